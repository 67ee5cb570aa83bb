// The memory of another process.

import CLinux

/// Reads and writes the memory of a process, without stopping it.
struct RemoteMemory: Sendable {
  let process: Int32
  /// What is read at once at most: a table of a program is never larger.
  static let limit = 256 << 20

  /// Exactly `count` bytes.
  func bytes(at address: UInt64, count: Int) throws(AttachError) -> [UInt8] {
    guard count >= 0, count <= Self.limit else {
      throw .unreadable("a table of \(count) bytes at \(Self.hexadecimal(address))")
    }
    guard let bytes = prefix(at: address, count: count), bytes.count == count else {
      throw .unreadable("\(count) bytes at \(Self.hexadecimal(address)) cannot be read")
    }
    return bytes
  }

  /// What can be read of `count` bytes; nil when that is nothing.
  func prefix(at address: UInt64, count: Int) -> [UInt8]? {
    var read = 0
    let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
      read = linux_memory_read(process, address, buffer.baseAddress, count)
      initialized = max(read, 0)
    }
    return read < 0 ? nil : bytes
  }

  /// The word at an address.
  func word(at address: UInt64) throws(AttachError) -> UInt64 {
    let bytes = try bytes(at: address, count: 8)
    return bytes.load(UInt64.self, at: 0) ?? 0
  }

  /// The words at many addresses; nil where one of them cannot be read.
  func words(at addresses: [UInt64]) -> [UInt64?] {
    var result = [UInt64](repeating: 0, count: addresses.count)
    var readable = [Bool](repeating: true, count: addresses.count)
    var done = 0
    while done < addresses.count {
      let count = addresses.withUnsafeBufferPointer { places in
        result.withUnsafeMutableBufferPointer { words in
          linux_memory_words(
            process, places.baseAddress.map { $0 + done }, words.baseAddress.map { $0 + done },
            addresses.count - done)
        }
      }
      done += max(count, 0)
      guard done < addresses.count else { break }
      readable[done] = false
      done += 1
    }
    return zip(result, readable).map { $1 ? $0 : nil }
  }

  /// A text that ends with a zero, cut to 4096 bytes.
  func text(at address: UInt64) -> String {
    var bytes: [UInt8] = []
    while bytes.count < 4096 {
      // Not beyond the page: the next one may not be there.
      let place = address &+ UInt64(bytes.count)
      let count = 4096 - Int(place & 4095)
      guard let part = prefix(at: place, count: count), !part.isEmpty else { break }
      bytes += part.prefix { $0 != 0 }
      if part.contains(0) { break }
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// Writes into memory that the process may write itself.
  func write(_ bytes: [UInt8], at address: UInt64) throws(AttachError) {
    guard linux_memory_write(process, address, bytes, bytes.count) == bytes.count else {
      throw .unexpected("\(bytes.count) bytes at \(Self.hexadecimal(address)) cannot be written")
    }
  }

  static func hexadecimal(_ address: UInt64) -> String {
    "0x" + String(address, radix: 16)
  }
}

extension [UInt8] {
  /// The number that stands at an offset; nil where that is not inside.
  func load<T: FixedWidthInteger>(_ type: T.Type, at offset: Int) -> T? {
    guard offset >= 0, offset <= count - MemoryLayout<T>.size else { return nil }
    return withUnsafeBytes { $0.loadUnaligned(fromByteOffset: offset, as: type) }
  }

  /// Puts a number at the end.
  mutating func append(word: UInt64) {
    Swift.withUnsafeBytes(of: word) { append(contentsOf: $0) }
  }
}
