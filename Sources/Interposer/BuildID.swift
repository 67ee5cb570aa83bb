// What tells two builds of a library apart.

import CaptureABI
import InterposerEntry

/// The GNU build id of a loaded object, read from its notes in memory; empty where it has none.
struct BuildID {
  private var words: (UInt64, UInt64, UInt32) = (0, 0, 0)
  private var count: UInt32 = 0

  init(of object: lacuna_object) {
    guard isReadable(object.start) else { return }
    var start = ByteReader(position: object.start, end: object.end)
    guard start.load(UInt32.self) == 0x464c_457f else { return }
    var header = ByteReader(position: object.start &+ 32, end: object.end)
    let programHeaders = header.load(UInt64.self)
    header.position = object.start &+ 54
    let entryBytes = UInt64(header.load(UInt16.self))
    let count = UInt64(header.load(UInt16.self))
    // The headers lie on the first page, behind what was just read.
    guard programHeaders &+ count &* entryBytes <= 4096 else { return }
    for i in 0..<count {
      var entry = ByteReader(
        position: object.start &+ programHeaders &+ i &* entryBytes, end: object.end)
      let noteSegment: UInt32 = 4
      guard entry.load(UInt32.self) == noteSegment else { continue }
      entry.position = entry.position &+ 12
      let address = object.bias &+ entry.load(UInt64.self)
      entry.position = entry.position &+ 16
      let bytes = entry.load(UInt64.self)
      guard address >= object.start, address < object.end, bytes <= 4096,
        bytes <= object.end &- address, isReadable(address),
        isReadable((address &+ bytes &- 1) & ~7)
      else { continue }
      if find(ByteReader(position: address, end: address &+ bytes)) { return }
    }
  }

  private mutating func find(_ notes: ByteReader) -> Bool {
    var reader = notes
    while !reader.isAtEnd {
      let nameBytes = UInt64(reader.load(UInt32.self))
      let contentBytes = UInt64(reader.load(UInt32.self))
      let type = reader.load(UInt32.self)
      let isGNU = nameBytes == 4 && reader.load(UInt32.self) == 0x0055_4e47
      if !isGNU { reader.position = reader.position &+ (nameBytes &+ 3) & ~3 }
      if isGNU, type == 3, contentBytes <= 20 {
        withUnsafeMutableBytes(of: &words) { id in
          for i in 0..<Int(truncatingIfNeeded: contentBytes) { id[i] = reader.byte() }
        }
        count = UInt32(truncatingIfNeeded: contentBytes)
        return true
      }
      reader.position = reader.position &+ (contentBytes &+ 3) & ~3
    }
    return false
  }

  func isSame(as module: UnsafeMutablePointer<lacuna_module>) -> Bool {
    guard module.pointee.build_id_bytes == count else { return false }
    return withUnsafeBytes(of: words) { own in
      withUnsafeBytes(of: &module.pointee.build_id) { other in
        for i in 0..<20 where own[i] != other[i] { return false }
        return true
      }
    }
  }

  func write(to module: UnsafeMutablePointer<lacuna_module>) {
    withUnsafeBytes(of: words) { own in
      withUnsafeMutableBytes(of: &module.pointee.build_id) { id in
        for i in 0..<20 { id[i] = own[i] }
      }
    }
    module.pointee.build_id_bytes = count
  }
}
