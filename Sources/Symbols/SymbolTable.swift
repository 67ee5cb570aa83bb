// Which function covers an address of an ELF file.

import CElf

/// The functions of one file, from its own symbol tables and those of its debug file.
///
/// Sized symbols cover exactly their bytes. Symbols without a size (assembly) reach to the next
/// symbol or the end of their section, and count only where no sized one covers their start. What
/// neither covers has no name: giving a gap to the symbol before it is how profilers come to blame
/// functions that had no part.
package struct SymbolTable: Sendable {
  private struct Name {
    var table: Int32
    var offset: UInt32
  }

  private var strings: [[UInt8]]
  private var sized: CoverMap
  private var sizedNames: [Name]
  private var unsized: CoverMap
  private var unsizedNames: [Name]

  /// The bytes of a name that are looked at; longer ones are cut.
  static let longestName = Demangler.longestName + 1

  package var isEmpty: Bool { sizedNames.isEmpty && unsizedNames.isEmpty }

  /// Merges the function symbols of all `images`, which are halves of the same linked file.
  ///
  /// - Complexity: O(n log n) for n symbols.
  package init(_ images: [ElfImage]) {
    var collector = SymbolCollector()
    for image in images { collector.add(image) }
    strings = collector.strings

    let ranked = collector.symbols.filter { $0.byteCount > 0 }.sorted(by: SymbolCollector.isBetter)
    sized = CoverMap(bestFirst: ranked.map(\.range))
    sizedNames = ranked.map { Name(table: $0.table, offset: $0.nameOffset) }

    let starts = collector.symbols.map(\.start).sorted()
    let sizedMap = sized
    let open = collector.symbols
      .filter { $0.byteCount == 0 && sizedMap.owner(of: $0.start) == nil }
      .map { $0.extended(to: Self.next(after: $0.start, in: starts)) }
      .sorted(by: SymbolCollector.isBetter)
    unsized = CoverMap(bestFirst: open.map(\.range))
    unsizedNames = open.map { Name(table: $0.table, offset: $0.nameOffset) }
  }

  private static func next(after address: UInt64, in sorted: [UInt64]) -> UInt64 {
    var low = 0
    var high = sorted.count
    while low < high {
      let middle = (low + high) / 2
      if sorted[middle] <= address { low = middle + 1 } else { high = middle }
    }
    return low < sorted.count ? sorted[low] : .max
  }

  /// The mangled name of the function that covers `address` of the file; nil in a gap.
  ///
  /// - Complexity: O(log n)
  package func name(at address: UInt64) -> [UInt8]? {
    let name: Name
    if let owner = sized.owner(of: address) {
      name = sizedNames[owner]
    } else if let owner = unsized.owner(of: address) {
      name = unsizedNames[owner]
    } else {
      return nil
    }
    return SymbolCollector.name(in: strings[Int(name.table)], at: name.offset)
  }
}

/// Gathers function symbols from section after section.
struct SymbolCollector {
  /// A function symbol, cut to the section that holds it.
  struct Symbol {
    var start: UInt64
    var byteCount: UInt64
    var sectionEnd: UInt64
    var nameOffset: UInt32
    var table: Int32
    /// 0 global, 1 weak, 2 local.
    var binding: UInt8
    /// Small for the names that people use: few leading underscores, then short.
    var unfamiliarity: UInt32

    var range: Range<UInt64> { start..<max(start, start &+ byteCount) }

    func extended(to next: UInt64) -> Symbol {
      var copy = self
      copy.byteCount = min(next, sectionEnd) &- start
      return copy
    }
  }

  var strings: [[UInt8]] = []
  var symbols: [Symbol] = []

  /// The order of preference among symbols that cover an address: the innermost, which starts last
  /// and ends first; global before weak before local; `malloc` before `__libc_malloc`; the rest
  /// only so that the choice is stable.
  static func isBetter(_ a: Symbol, _ b: Symbol) -> Bool {
    if a.start != b.start { return a.start > b.start }
    if a.byteCount != b.byteCount { return a.byteCount < b.byteCount }
    if a.binding != b.binding { return a.binding < b.binding }
    if a.unfamiliarity != b.unfamiliarity { return a.unfamiliarity < b.unfamiliarity }
    return (a.table, a.nameOffset) < (b.table, b.nameOffset)
  }

  mutating func add(_ image: ElfImage) {
    let places = image.sections.filter {
      $0.flags & UInt64(SHF_ALLOC) != 0 && $0.flags & UInt64(SHF_TLS) == 0
    }.map { section in
      let (end, overflow) = section.address.addingReportingOverflow(section.byteCount)
      return section.address..<(overflow ? .max : end)
    }
    let placeMap = CoverMap(bestFirst: places)
    for section in image.sections
    where section.type == UInt32(SHT_SYMTAB) || section.type == UInt32(SHT_DYNSYM) {
      add(section, of: image, places: places, placeMap: placeMap)
    }
  }

  private mutating func add(
    _ section: ElfImage.Section, of image: ElfImage, places: [Range<UInt64>], placeMap: CoverMap
  ) {
    guard let data = image.data(of: section),
      let names = image.sections.first(where: { $0.index == section.link }),
      names.type == UInt32(SHT_STRTAB)
    else { return }
    let text = image.bytes(of: names)
    let table = Int32(strings.count)
    var symbol = GElf_Sym()
    var index: Int32 = 1
    while gelf_getsym(data, index, &symbol) != nil {
      index += 1
      let type = Int32(symbol.st_info & 0xf)
      guard type == STT_FUNC || type == STT_GNU_IFUNC, symbol.st_shndx != UInt16(SHN_UNDEF),
        let unfamiliarity = Self.unfamiliarity(of: symbol.st_name, in: text),
        let place = placeMap.owner(of: symbol.st_value)
      else { continue }
      let end = places[place].upperBound
      symbols.append(
        Symbol(
          start: symbol.st_value, byteCount: min(symbol.st_size, end &- symbol.st_value),
          sectionEnd: end, nameOffset: symbol.st_name, table: table,
          binding: Self.rank(ofBinding: Int32(symbol.st_info >> 4)),
          unfamiliarity: unfamiliarity))
    }
    strings.append(text)
  }

  private static func rank(ofBinding binding: Int32) -> UInt8 {
    switch binding {
    case STB_LOCAL: 2
    case STB_WEAK: 1
    default: 0
    }
  }

  /// Nil for a symbol without a name, or with one outside its table.
  private static func unfamiliarity(of offset: UInt32, in table: [UInt8]) -> UInt32? {
    guard Int(offset) < table.count, table[Int(offset)] != 0 else { return nil }
    var underscores: UInt32 = 0
    var length: UInt32 = 0
    for byte in table[Int(offset)...].prefix(256) {
      if byte == 0 || byte == UInt8(ascii: "@") { break }
      if byte == UInt8(ascii: "_"), underscores == length { underscores += 1 }
      length += 1
    }
    return underscores << 16 | length
  }

  /// The name that starts at `offset`, without the version behind an `@`; it ends at the first NUL
  /// or with the table.
  ///
  /// Nil when the offset lies outside.
  static func name(in table: [UInt8], at offset: UInt32) -> [UInt8]? {
    guard Int(offset) < table.count else { return nil }
    let name = table[Int(offset)...].prefix(SymbolTable.longestName).prefix { $0 != 0 }
    guard let at = name.firstIndex(of: UInt8(ascii: "@")), at > name.startIndex else {
      return [UInt8](name)
    }
    return [UInt8](name[..<at])
  }
}
