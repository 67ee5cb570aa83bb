// The words through which a module calls functions of others.

/// A word of a module that holds the address of an imported function.
struct ImportWord: Hashable {
  /// Where the word is.
  var place: UInt64
  /// Which function it is for: an index into the names that were looked for.
  var function: Int
  /// Whether the loader may fill it in as late as at the first call.
  var isLazy: Bool
}

/// Finds the words for given names in the relocations of a module.
struct ImportTable {
  private let memory: RemoteMemory
  private let numbers: [String: Int]
  private let longestName: Int

  init(_ memory: RemoteMemory, names: [String]) {
    self.memory = memory
    numbers = Dictionary(zip(names, names.indices), uniquingKeysWith: { first, _ in first })
    longestName = names.map(\.utf8.count).max() ?? 0
  }

  /// A relocation that names a symbol.
  private struct Relocation {
    var place: UInt64
    var symbol: Int
    var isLazy: Bool
  }

  /// The words of one module.
  ///
  /// - Complexity: O(relocations of the module); those of the largest programs take a few
  ///   milliseconds.
  func words(of module: LoadedModule) throws(AttachError) -> [ImportWord] {
    let tags = try DynamicSection(memory, at: module.dynamicSection, bias: module.bias)
    var relocations: [Relocation] = []
    try read(tags[.pltRelocations], tags[.sizeOfPLTRelocations], module, &relocations)
    try read(tags[.relocations], tags[.sizeOfRelocations], module, &relocations)
    guard let last = relocations.map(\.symbol).max(), let symbols = tags[.symbols],
      let strings = tags[.strings], let stringBytes = tags[.sizeOfStrings]
    else { return [] }
    let table = try memory.bytes(at: symbols, count: (last + 1) * 24)
    let text = try memory.bytes(at: strings, count: Int(min(stringBytes, 1 << 40)))
    var known: [Int: Int] = [:]
    var words: [ImportWord] = []
    for relocation in relocations {
      let function: Int
      if let number = known[relocation.symbol] {
        function = number
      } else {
        function = number(of: relocation.symbol, table, text) ?? -1
        known[relocation.symbol] = function
      }
      guard function >= 0 else { continue }
      words.append(
        ImportWord(place: relocation.place, function: function, isLazy: relocation.isLazy))
    }
    return words
  }

  private func number(of symbol: Int, _ table: [UInt8], _ text: [UInt8]) -> Int? {
    guard let offset = table.load(UInt32.self, at: symbol * 24), Int(offset) < text.count else {
      return nil
    }
    let candidate = text[Int(offset)...].prefix(longestName + 1)
    guard let end = candidate.firstIndex(of: 0) else { return nil }
    return numbers[String(decoding: candidate[..<end], as: UTF8.self)]
  }

  /// Collects those of a table that put the bare address of a symbol somewhere (`R_X86_64_64`,
  /// `R_X86_64_GLOB_DAT`, `R_X86_64_JUMP_SLOT`).
  private func read(
    _ address: UInt64?, _ size: UInt64?, _ module: LoadedModule,
    _ relocations: inout [Relocation]
  ) throws(AttachError) {
    guard let address, let size, size >= 24 else { return }
    guard size <= RemoteMemory.limit else { throw .unreadable("a table of \(size) bytes") }
    let bytes = try memory.bytes(at: address, count: Int(size))
    bytes.withUnsafeBytes { table in
      for offset in stride(from: 0, through: table.count - 24, by: 24) {
        let info = table.loadUnaligned(fromByteOffset: offset + 8, as: UInt64.self)
        let type = info & 0xffff_ffff
        guard type == 1 || type == 6 || type == 7, info >> 32 != 0 else { continue }
        let addend = table.loadUnaligned(fromByteOffset: offset + 16, as: Int64.self)
        guard addend == 0 || type == 7 else { continue }
        let place = table.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
        // Words across the border of eight bytes cannot be written in one go.
        let target = module.bias &+ place
        guard target & 7 == 0, info >> 32 < 1 << 24 else { continue }
        relocations.append(
          Relocation(place: target, symbol: Int(info >> 32), isLazy: type == 7))
      }
    }
  }
}
