// The format, as far as a test must know it to do harm.

func little(_ bytes: [UInt8], _ offset: Int) -> UInt32 {
  (0..<4).reduce(0) { $0 | UInt32(bytes[offset + $1]) << UInt32($1 * 8) }
}

func payloadLength(_ bytes: [UInt8], _ chunk: Int) -> UInt32 { little(bytes, chunk + 16) }

/// The offsets of the chunks of an intact file.
func chunks(of bytes: [UInt8]) -> [Int] {
  var chunks: [Int] = []
  var offset = 16
  while offset + 64 <= bytes.count, little(bytes, offset) == 0x896b_434c {
    chunks.append(offset)
    offset += 64 + Int(payloadLength(bytes, offset))
  }
  return chunks
}

/// CRC-32 bit by bit, as the PNG specification (annex D) defines it.
func slowCRC(_ bytes: ArraySlice<UInt8>) -> UInt32 {
  var crc = UInt32.max
  for byte in bytes {
    crc ^= UInt32(byte)
    for _ in 0..<8 { crc = crc & 1 == 1 ? crc >> 1 ^ 0xedb8_8320 : crc >> 1 }
  }
  return ~crc
}

/// Gives a chunk that was tampered with the checksums that it should have.
func reseal(_ bytes: inout [UInt8], _ chunk: Int) {
  func put(_ value: UInt32, _ offset: Int) {
    for index in 0..<4 { bytes[offset + index] = UInt8(value >> UInt32(index * 8) & 0xff) }
  }
  let payload = chunk + 64..<chunk + 64 + Int(payloadLength(bytes, chunk))
  put(slowCRC(bytes[payload]), chunk + 20)
  put(slowCRC(bytes[chunk..<chunk + 60]), chunk + 60)
}

/// Where the last chunk with steps ends.
func endOfEvents(_ bytes: [UInt8]) -> Int {
  let last = chunks(of: bytes).last { bytes[$0 + 4] == 2 } ?? 0
  return last + 64 + Int(payloadLength(bytes, last))
}
