// The dynamic section of a loaded module, and looking up what the module defines.

/// Where a module's tables lie, in memory.
struct DynamicSection {
  enum Tag: UInt64 {
    case sizeOfPLTRelocations = 2
    case strings = 5
    case symbols = 6
    case relocations = 7
    case sizeOfRelocations = 8
    case sizeOfStrings = 10
    case debug = 21
    case pltRelocations = 23
    case gnuHash = 0x6fff_fef5
    case versions = 0x6fff_fff0
  }

  private var values: [Tag: UInt64] = [:]

  init(_ memory: RemoteMemory, at address: UInt64, bias: UInt64) throws(AttachError) {
    // Not beyond what is mapped: the section may be the last thing in its page.
    var entries: [UInt8] = []
    while entries.count < 16 << 10 {
      let place = address &+ UInt64(entries.count)
      let part = try memory.bytes(at: place, count: max(16, (4096 - Int(place & 4095)) & ~15))
      entries += part
      if add(part, bias: bias) { return }
    }
  }

  /// Takes over the entries; returns whether the section ends among them.
  private mutating func add(_ bytes: [UInt8], bias: UInt64) -> Bool {
    for offset in stride(from: 0, to: bytes.count, by: 16) {
      guard let number = bytes.load(UInt64.self, at: offset),
        let value = bytes.load(UInt64.self, at: offset + 8)
      else { return true }
      if number == 0 { return true }
      guard let tag = Tag(rawValue: number) else { continue }
      switch tag {
      case .sizeOfPLTRelocations, .sizeOfRelocations, .sizeOfStrings, .debug: values[tag] = value
      default:
        // The loader turns these into addresses in place, except in sections that are read-only.
        values[tag] = value < bias ? value &+ bias : value
      }
    }
    return false
  }

  subscript(tag: Tag) -> UInt64? { values[tag] }
}

/// Something that a module defines for others.
struct Definition: Equatable {
  var address: UInt64
  /// Whether the address is that of a function that chooses the real one.
  var isIndirect: Bool
}

/// Finds what a module defines, by its GNU hash table in the memory of the process.
struct SymbolLookup {
  private let memory: RemoteMemory
  private let bias: UInt64
  private let symbols: UInt64
  private let strings: UInt64
  private let versions: UInt64?
  private let buckets: UInt64
  private let bucketCount: UInt32
  private let chains: UInt64
  private let firstHashed: UInt32

  /// Nil for a module without the table: glibc has demanded one of all since 2006.
  init?(_ memory: RemoteMemory, _ tags: DynamicSection, bias: UInt64) throws(AttachError) {
    guard let table = tags[.gnuHash], let symbols = tags[.symbols], let strings = tags[.strings]
    else { return nil }
    let header = try memory.bytes(at: table, count: 16)
    guard let bucketCount = header.load(UInt32.self, at: 0),
      let firstHashed = header.load(UInt32.self, at: 4),
      let filterWords = header.load(UInt32.self, at: 8), bucketCount > 0
    else { return nil }
    self.memory = memory
    self.bias = bias
    self.symbols = symbols
    self.strings = strings
    versions = tags[.versions]
    self.bucketCount = bucketCount
    self.firstHashed = firstHashed
    buckets = table &+ 16 &+ 8 * UInt64(filterWords)
    chains = buckets &+ 4 * UInt64(bucketCount)
  }

  /// The definition of a name in its default version.
  func find(_ name: String) throws(AttachError) -> Definition? {
    var hash: UInt32 = 5381
    for byte in name.utf8 { hash = hash &* 33 &+ UInt32(byte) }
    var index = try half(buckets &+ 4 * UInt64(hash % bucketCount))
    guard index >= firstHashed else { return nil }
    for _ in 0..<1 << 16 {
      let chained = try half(chains &+ 4 * UInt64(index &- firstHashed))
      if chained | 1 == hash | 1, let found = try definition(index, name) { return found }
      if chained & 1 == 1 { return nil }
      index &+= 1
    }
    return nil
  }

  private func definition(_ index: UInt32, _ name: String) throws(AttachError) -> Definition? {
    let symbol = try memory.bytes(at: symbols &+ 24 * UInt64(index), count: 24)
    guard let nameOffset = symbol.load(UInt32.self, at: 0),
      let section = symbol.load(UInt16.self, at: 6), let value = symbol.load(UInt64.self, at: 8)
    else { return nil }
    let type = symbol[4] & 15
    let isDefined = section != 0 && value != 0 && [0, 1, 2, 10].contains(type)
    guard isDefined, memory.text(at: strings &+ UInt64(nameOffset)) == name else { return nil }
    if let versions {
      let bytes = try memory.bytes(at: versions &+ 2 * UInt64(index), count: 2)
      let isHidden = (bytes.load(UInt16.self, at: 0) ?? 0) & 0x8000 != 0
      if isHidden { return nil }
    }
    return Definition(address: bias &+ value, isIndirect: type == 10)
  }

  /// The names of all functions that the module defines, in the order of its table.
  func functionNames() throws(AttachError) -> [String] {
    var names: [String] = []
    for bucket in 0..<min(bucketCount, 1 << 12) {
      var index = try half(buckets &+ 4 * UInt64(bucket))
      guard index >= firstHashed else { continue }
      while names.count < 1 << 12 {
        let symbol = try memory.bytes(at: symbols &+ 24 * UInt64(index), count: 24)
        if symbol[4] & 15 == 2, let offset = symbol.load(UInt32.self, at: 0) {
          names.append(memory.text(at: strings &+ UInt64(offset)))
        }
        if try half(chains &+ 4 * UInt64(index &- firstHashed)) & 1 == 1 { break }
        index &+= 1
      }
    }
    return names
  }

  private func half(_ address: UInt64) throws(AttachError) -> UInt32 {
    let bytes = try memory.bytes(at: address, count: 4)
    return bytes.load(UInt32.self, at: 0) ?? 0
  }
}
