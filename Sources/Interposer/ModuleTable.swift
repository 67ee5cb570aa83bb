// Which files are mapped where: written by the process itself when it first walks through one.

import CaptureABI
import InterposerEntry

enum ModuleTable {
  /// Writes the module into the segment unless it stands there already.
  ///
  /// Two threads may both write one; the recorder takes the second for the same.
  static func publish(_ object: lacuna_object) {
    let header = session.header.unsafelyUnwrapped
    let modules = session.modules.unsafelyUnwrapped
    let count = Int(lacuna_load32(&header.pointee.module_count))
    let known = count < LACUNA_MODULE_CAPACITY ? count : LACUNA_MODULE_CAPACITY
    for i in 0..<known {
      let module = modules + i
      if module.pointee.start == object.start, module.pointee.image == session.imageNumber,
        module.pointee.end == object.end, module.pointee.ready == 1, hasPath(module, object.path)
      {
        return
      }
    }
    let number = Int(lacuna_add32(&header.pointee.module_count, 1))
    guard number < LACUNA_MODULE_CAPACITY else { return }
    let module = modules + number
    module.pointee.start = object.start
    module.pointee.end = object.end
    module.pointee.bias = object.bias
    module.pointee.image = session.imageNumber
    if let path = object.path {
      _ = withUnsafeMutableBytes(of: &module.pointee.path) { copy(path, into: $0) }
    }
    BuildID.read(object, into: module)
    lacuna_store32(&module.pointee.ready, 1)
  }

  private static func hasPath(
    _ module: UnsafeMutablePointer<lacuna_module>, _ path: UnsafePointer<CChar>?
  ) -> Bool {
    guard let path else { return true }
    return withUnsafeBytes(of: &module.pointee.path) { known in
      var i = 0
      while i &+ 1 < known.count {
        if known[i] != UInt8(bitPattern: path[i]) { return false }
        if known[i] == 0 { return true }
        i &+= 1
      }
      return true
    }
  }
}

/// The GNU build id of a loaded object, read from its notes in memory.
private enum BuildID {
  static func read(_ object: lacuna_object, into module: UnsafeMutablePointer<lacuna_module>) {
    var start = ByteReader(position: object.start, end: object.end)
    guard start.load(UInt32.self) == 0x464c_457f else { return }
    var header = ByteReader(position: object.start &+ 32, end: object.end)
    let programHeaders = header.load(UInt64.self)
    header.position = object.start &+ 54
    let entryBytes = UInt64(header.load(UInt16.self))
    let count = UInt64(header.load(UInt16.self))
    for i in 0..<count {
      var entry = ByteReader(
        position: object.start &+ programHeaders &+ i &* entryBytes, end: object.end)
      let noteSegment: UInt32 = 4
      guard entry.load(UInt32.self) == noteSegment else { continue }
      entry.position = entry.position &+ 12
      let address = object.bias &+ entry.load(UInt64.self)
      entry.position = entry.position &+ 16
      let bytes = entry.load(UInt64.self)
      guard address >= object.start, address &+ bytes <= object.end else { continue }
      if find(ByteReader(position: address, end: address &+ bytes), module) { return }
    }
  }

  private static func find(
    _ notes: ByteReader, _ module: UnsafeMutablePointer<lacuna_module>
  ) -> Bool {
    var reader = notes
    while !reader.isAtEnd {
      let nameBytes = UInt64(reader.load(UInt32.self))
      let contentBytes = UInt64(reader.load(UInt32.self))
      let type = reader.load(UInt32.self)
      let isGNU = nameBytes == 4 && reader.load(UInt32.self) == 0x0055_4e47
      if !isGNU { reader.position = reader.position &+ (nameBytes &+ 3) & ~3 }
      if isGNU, type == 3, contentBytes <= 20 {
        withUnsafeMutableBytes(of: &module.pointee.build_id) { id in
          for i in 0..<Int(contentBytes) { id[i] = reader.byte() }
        }
        module.pointee.build_id_bytes = UInt32(contentBytes)
        return true
      }
      reader.position = reader.position &+ (contentBytes &+ 3) & ~3
    }
    return false
  }
}
