// Reading heap specifications: name, or name(key=value,...).

internal import MemoryUnits

/// A recursive-descent parser of specifications.
///
///     specification = name [ "(" [ setting { "," setting } ] ")" ]
///     setting       = name "=" value
///
/// Spaces may stand between all parts.
struct SpecificationParser {
  static let limit = 1000

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
    skipSpaces()
    let start = position
    let name = word()
    if name.isEmpty, peek != "/" { throw error(.missingName, at: start) }
    if let slash = characters.firstIndex(of: "/") { throw error(.layered, at: slash) }
    guard let heap = HeapCatalogue.heap(named: name) else {
      let nearest = Self.nearest(name, among: HeapCatalogue.heaps.map(\.name))
      throw error(.unknownHeap(name, nearest: nearest), at: start)
    }
    let settings = try parseSettings(of: heap)
    skipSpaces()
    if position < characters.count { throw error(.expected("the end"), at: position) }
    return try Self.kind(heap, settings, self)
  }

  /// A setting as written, and where its value stands.
  struct Setting {
    var value: String
    var position: Int
  }

  private mutating func parseSettings(
    of heap: HeapDescription
  ) throws(HeapSpecificationError) -> [String: Setting] {
    var settings: [String: Setting] = [:]
    guard take("(") else {
      if position < characters.count { throw error(.expected("'(' or the end"), at: position) }
      return settings
    }
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
      settings[name] = Setting(value: value, position: valueStart)
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
