// The pieces that all specifications are read with, whether of heaps or of workloads.

/// A place in the text of a specification.
///
/// Spaces may stand between all parts, and case matters only where the caller reads `raw` text.
package struct SpecificationCursor {
  /// Longer texts are not looked at: no specification needs more.
  package static let limit = 1000

  private let characters: [Character]
  /// Whether there were more characters than the limit.
  package let isTooLong: Bool
  /// The offset of the next character.
  package private(set) var position = 0

  package init(_ text: some StringProtocol) {
    // A character may be any number of scalars: cap those too.
    let scalars = String(String.UnicodeScalarView(text.unicodeScalars.prefix(Self.limit + 1)))
    characters = Array(scalars.prefix(Self.limit))
    isTooLong = scalars.unicodeScalars.count > Self.limit
  }

  /// As much of the text as is looked at.
  package var text: String { String(characters) }

  /// The number of its characters.
  package var count: Int { characters.count }

  package var isAtEnd: Bool { position == characters.count }

  /// The character before this place that is no space.
  package var lastTaken: Character? { characters[..<position].last { !$0.isWhitespace } }

  private var peek: Character? { position < characters.count ? characters[position] : nil }

  package mutating func skipSpaces() {
    while let next = peek, next.isWhitespace { position += 1 }
  }

  /// Takes this character, after any spaces, if it comes next.
  package mutating func take(_ character: Character) -> Bool {
    skipSpaces()
    guard peek == character else { return false }
    position += 1
    return true
  }

  /// Everything up to the next space or one of these signs, in lower case.
  package mutating func word(endingAt signs: String = "()=,/") -> String {
    raw(endingAt: signs).lowercased()
  }

  /// Everything up to the next space or one of these signs, as it is written.
  package mutating func raw(endingAt signs: String) -> String {
    let start = position
    while let next = peek, !next.isWhitespace, !signs.contains(next) { position += 1 }
    return String(characters[start..<position])
  }

  /// Everything up to a comma or a closing parenthesis that belongs to nothing opened on the way.
  package mutating func nested() -> String {
    let start = position
    var depth = 0
    while let next = peek {
      if depth == 0, next == "," || next == ")" { break }
      if next == "(" { depth += 1 }
      if next == ")" { depth -= 1 }
      position += 1
    }
    return String(characters[start..<position])
  }
}

/// How what is wrong with a specification is shown.
package enum SpecificationProblem {
  /// The message, and below it the text with a caret under the character.
  package static func text(_ message: String, in text: String, at position: Int) -> String {
    "\(message)\n  \(plain(text))\n  \(String(repeating: " ", count: position))^"
  }

  /// A question whether that was meant, with a space before it; empty where nothing is near.
  package static func suggestion(_ nearest: String?) -> String {
    nearest.map { " (did you mean '\($0)'?)" } ?? ""
  }

  /// The text with a question mark for each character that might not take exactly one column.
  package static func plain(_ text: String) -> String {
    String(text.map { (" "..."~").contains($0) && $0.isASCII ? $0 : "?" })
  }

  /// The candidate with the fewest edits from `name`, if those are two or a third of it at most, or
  /// the one that `name` begins.
  package static func nearest(_ name: String, among candidates: [String]) -> String? {
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
