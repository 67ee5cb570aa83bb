// Reading heap specifications: name, or name(key=value,...), or several of these with slashes between.

internal import MemoryUnits

/// A recursive-descent parser of specifications.
///
///     specification = layer { "/" layer }
///     layer         = name [ "(" [ setting { "," setting } ] ")" ]
///     setting       = name "=" value
///
/// Spaces may stand between all parts.
struct SpecificationParser {
  static let limit = 1000
  /// More layers make no sense, and each costs time at every request.
  static let layerLimit = 8

  private let characters: [Character]
  private let isTooLong: Bool
  private var position = 0

  init(_ text: some StringProtocol) {
    // A character may be any number of scalars: cap those too.
    let scalars = String(String.UnicodeScalarView(text.unicodeScalars.prefix(Self.limit + 1)))
    characters = Array(scalars.prefix(Self.limit))
    isTooLong = scalars.unicodeScalars.count > Self.limit
  }

  mutating func parse() throws(HeapSpecificationError) -> HeapKind {
    if isTooLong { throw error(.tooLong(limit: Self.limit), at: characters.count) }
    var layers: [(entry: HeapEntry, settings: [String: SettingReader.Setting])] = []
    while true {
      let layer = try parseLayer()
      layers.append(layer)
      skipSpaces()
      if position == characters.count { break }
      let slash = position
      guard take("/") else {
        let hasSettings = characters[..<position].last { !$0.isWhitespace } == ")"
        let what = hasSettings ? "'/' or the end" : "'(', '/' or the end"
        throw error(.expected(what), at: position)
      }
      let name = layer.entry.description.name
      if layer.entry.description.below == .nothing { throw error(.bottom(name), at: slash) }
      if layers.count == Self.layerLimit {
        throw error(.tooManyLayers(limit: Self.layerLimit), at: slash)
      }
    }
    if let last = layers.last?.entry.description {
      switch last.below {
      case .nothing: break
      case .optional(let name):
        if let entry = HeapCatalogue.entry(named: name) { layers.append((entry, [:])) }
      case .required: throw error(.bottomless(last.name), at: characters.count)
      }
    }
    var kind: HeapKind?
    for (entry, settings) in layers.reversed() {
      if let below = kind, below.relocatesBlocks {
        let reason = "a heap that moves blocks cannot stand below \(entry.description.name)"
        throw error(.unfit(reason), at: 0)
      }
      let reader = SettingReader(heap: entry.description, settings: settings, parser: self)
      kind = try entry.make(reader, kind)
    }
    guard let kind else { throw error(.missingName, at: 0) }
    return kind
  }

  private mutating func parseLayer() throws(HeapSpecificationError) -> (
    entry: HeapEntry, settings: [String: SettingReader.Setting]
  ) {
    skipSpaces()
    let start = position
    let name = word()
    if name.isEmpty { throw error(.missingName, at: start) }
    guard let entry = HeapCatalogue.entry(named: name) else {
      let nearest = Self.nearest(name, among: HeapCatalogue.heaps.map(\.name))
      throw error(.unknownHeap(name, nearest: nearest), at: start)
    }
    return (entry, try parseSettings(of: entry.description))
  }

  private mutating func parseSettings(
    of heap: HeapDescription
  ) throws(HeapSpecificationError) -> [String: SettingReader.Setting] {
    var settings: [String: SettingReader.Setting] = [:]
    guard take("(") else { return settings }
    if take(")") { return settings }
    while true {
      skipSpaces()
      let start = position
      let name = word()
      if name.isEmpty { throw error(.expected("a setting, as in align=8"), at: start) }
      let names = heap.parameters.map(\.name)
      guard names.contains(name) else {
        let nearest = Self.nearest(name, among: names)
        throw error(.unknownParameter(name, of: heap.name, nearest: nearest), at: start)
      }
      if settings[name] != nil { throw error(.repeatedParameter(name), at: start) }
      guard take("=") else { throw error(.expected("'='"), at: position) }
      skipSpaces()
      let valueStart = position
      let value = word()
      if value.isEmpty { throw error(.expected("a value of \(name)"), at: valueStart) }
      settings[name] = SettingReader.Setting(value: value, position: valueStart)
      if take(")") { return settings }
      guard take(",") else { throw error(.expected("',' or ')'"), at: position) }
    }
  }

  // MARK: Characters

  private var peek: Character? { position < characters.count ? characters[position] : nil }

  private mutating func skipSpaces() {
    while let next = peek, next.isWhitespace { position += 1 }
  }

  /// Takes this character, after any spaces, if it comes next.
  private mutating func take(_ character: Character) -> Bool {
    skipSpaces()
    guard peek == character else { return false }
    position += 1
    return true
  }

  /// Everything up to the next space or sign of the grammar, in lower case.
  private mutating func word() -> String {
    let start = position
    while let next = peek, !next.isWhitespace, !"()=,/".contains(next) { position += 1 }
    return String(characters[start..<position]).lowercased()
  }

  func error(
    _ reason: HeapSpecificationError.Reason, at position: Int
  ) -> HeapSpecificationError {
    HeapSpecificationError(reason, text: String(characters), position: position)
  }

  // MARK: Near misses

  /// The candidate with the fewest edits from `name`, if those are two or a third of it at most, or
  /// the one that `name` begins.
  static func nearest(_ name: String, among candidates: [String]) -> String? {
    guard name.count <= 64 else { return nil }
    if name.count >= 3, let longer = candidates.first(where: { $0.hasPrefix(name) }) {
      return longer
    }
    let best = candidates.map { ($0, edits(name, $0)) }.min { $0.1 < $1.1 }
    guard let best, best.1 <= (name.count < 4 ? 1 : max(2, name.count / 3)) else { return nil }
    return best.0
  }

  /// Levenshtein's distance.
  private static func edits(_ a: String, _ b: String) -> Int {
    let b = Array(b)
    var row = Array(0...b.count)
    for (i, x) in a.enumerated() {
      var diagonal = row[0]
      row[0] = i + 1
      for (j, y) in b.enumerated() {
        let above = row[j + 1]
        row[j + 1] = x == y ? diagonal : 1 + min(diagonal, above, row[j])
        diagonal = above
      }
    }
    return row[b.count]
  }
}
