// From a code address to its rule: finds the frame description in the .eh_frame of its module.

import InterposerEntry

/// A frame description entry (FDE) with what its common information entry (CIE) says.
struct FrameDescription {
  var start: UInt64 = 0
  var instructions = ByteReader(position: 0, end: 0)
  var initialInstructions = ByteReader(position: 0, end: 0)
  var codeAlignment: UInt64 = 1
  var dataAlignment = 1
  var isSignalFrame = false
}

enum UnwindTable {
  /// The rule at an address, from the tables that the loader has mapped.
  ///
  /// Takes no lock: `_dl_find_object` is made for unwinders.
  static func rule(at address: UInt64, epoch: UInt64) -> UnwindRule {
    var object = lacuna_object()
    guard lacuna_find_object(address, &object) != 0 else {
      return .unknown.of(generation: ModuleTable.generationOutside(address))
    }
    let generation = ModuleTable.publish(object, epoch: epoch)
    return rule(at: address, in: object).of(generation: generation)
  }

  private static func rule(at address: UInt64, in object: lacuna_object) -> UnwindRule {
    guard object.eh_frame_header != 0,
      let entry = search(object.eh_frame_header, for: address, end: object.end),
      let description = parse(entry, covering: address, in: object)
    else { return .unknown }
    if description.isSignalFrame { return .signal }
    return CallFrameProgram.rule(of: description, at: address)
  }

  /// Binary search in .eh_frame_hdr (LSB core specification, 10.6.2).
  ///
  /// Returns the FDE's address.
  private static func search(_ header: UInt64, for address: UInt64, end: UInt64) -> UInt64? {
    var reader = ByteReader(position: header, end: end)
    let version = reader.byte()
    let frameEncoding = reader.byte()
    let countEncoding = reader.byte()
    let tableEncoding = reader.byte()
    let dataRelative32: UInt8 = 0x3b
    guard version == 1, tableEncoding == dataRelative32,
      reader.encodedAddress(frameEncoding, dataBase: header) != nil,
      let count = reader.encodedAddress(countEncoding, dataBase: header), count > 0
    else { return nil }
    let table = reader.position
    guard table < end, count <= (end &- table) / 8, isReadable(table &+ (count &- 1) &* 8) else {
      return nil
    }
    var low: UInt64 = 0
    var high = count
    while low &+ 1 < high {
      let middle = (low &+ high) / 2
      var row = ByteReader(position: table &+ middle &* 8, end: end)
      if header &+ UInt64(bitPattern: Int64(row.load(Int32.self))) <= address {
        low = middle
      } else {
        high = middle
      }
    }
    var row = ByteReader(position: table &+ low &* 8, end: end)
    let first = header &+ UInt64(bitPattern: Int64(row.load(Int32.self)))
    guard first <= address else { return nil }
    return header &+ UInt64(bitPattern: Int64(row.load(Int32.self)))
  }

  /// The entry at `position`, behind its length; nil where it does not lie in readable memory of
  /// its module.
  ///
  /// Programs that throw no exceptions run with damaged tables, and must do so here.
  fileprivate static func body(at position: UInt64, in object: lacuna_object) -> ByteReader? {
    guard position >= object.start, position < object.end, object.end &- position >= 8,
      isReadable(position)
    else { return nil }
    var reader = ByteReader(position: position, end: object.end)
    let length = UInt64(reader.load(UInt32.self))
    // A length of all ones announces 64-bit DWARF, which no one writes into .eh_frame; one of more
    // than a mebibyte is no single function's.
    guard length >= 4, length <= 1 << 20, length <= object.end &- reader.position else {
      return nil
    }
    let end = reader.position &+ length
    var page = (position | 4095) &+ 1
    while page < end {
      guard isReadable(page) else { return nil }
      page = page &+ 4096
    }
    return ByteReader(position: reader.position, end: end)
  }

  private static func parse(_ entry: UInt64, covering address: UInt64, in object: lacuna_object)
    -> FrameDescription?
  {
    guard var reader = body(at: entry, in: object) else { return nil }
    let entryEnd = reader.end
    let pointerPosition = reader.position
    let distance = UInt64(reader.load(UInt32.self))
    guard distance != 0, distance <= pointerPosition else { return nil }
    guard var common = CommonInformation(at: pointerPosition &- distance, in: object) else {
      return nil
    }
    guard let start = reader.encodedAddress(common.addressEncoding, dataBase: 0) else { return nil }
    // The length of the range has the same format, but is never relative.
    guard let count = reader.encodedAddress(common.addressEncoding & 0x0f, dataBase: 0),
      address >= start, address &- start < count
    else { return nil }
    if common.hasAugmentationData {
      let augmentationLength = reader.unsigned()
      reader.position = reader.position &+ augmentationLength
    }
    common.description.start = start
    common.description.instructions = ByteReader(position: reader.position, end: entryEnd)
    return common.description
  }
}

/// A CIE (LSB core specification, 10.6.1.1).
private struct CommonInformation {
  var description = FrameDescription()
  var addressEncoding: UInt8 = 0
  var hasAugmentationData = false

  init?(at position: UInt64, in object: lacuna_object) {
    guard var reader = UnwindTable.body(at: position, in: object) else { return nil }
    let entryEnd = reader.end
    guard reader.load(UInt32.self) == 0 else { return nil }
    let version = reader.byte()
    guard version == 1 || version == 3 || version == 4 else { return nil }
    let augmentation = reader.position
    while reader.byte() != 0, !reader.isAtEnd {}
    let augmentationEnd = reader.position &- 1
    if version == 4 {
      _ = reader.byte()
      _ = reader.byte()
    }
    description.codeAlignment = reader.unsigned()
    description.dataAlignment = reader.signed()
    let returnRegister = version == 1 ? UInt64(reader.byte()) : reader.unsigned()
    guard returnRegister == 16 else { return nil }
    guard readAugmentation(&reader, from: augmentation, to: augmentationEnd) else { return nil }
    description.initialInstructions = ByteReader(position: reader.position, end: entryEnd)
  }

  private mutating func readAugmentation(
    _ reader: inout ByteReader, from start: UInt64, to end: UInt64
  ) -> Bool {
    var letters = ByteReader(position: start, end: end)
    var dataEnd: UInt64 = 0
    while !letters.isAtEnd {
      switch letters.byte() {
      case 0x7a:  // z
        hasAugmentationData = true
        let length = reader.unsigned()
        dataEnd = reader.position &+ length
      case 0x52:  // R
        addressEncoding = reader.byte()
      case 0x50:  // P
        let encoding = reader.byte()
        guard reader.encodedAddress(encoding & 0x7f, dataBase: 0) != nil else { return false }
      case 0x4c:  // L
        _ = reader.byte()
      case 0x53:  // S
        description.isSignalFrame = true
      default:
        // An unknown letter can be skipped only if the length of the data is known.
        guard hasAugmentationData else { return false }
        reader.position = dataEnd
        return true
      }
    }
    if hasAugmentationData { reader.position = dataEnd }
    return true
  }
}
