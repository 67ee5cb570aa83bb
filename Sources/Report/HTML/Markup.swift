// HTML as a type: text becomes markup in one place only, and is escaped there.

import MemoryUnits

/// A piece of HTML or SVG.
///
/// Written as a string literal. What is interpolated is escaped, unless it is itself `Markup`;
/// there is no other way in, so that no name from a trace can reach the page unescaped:
///
///     let cell: Markup = "<td title=\"\(name)\">\(name)</td>"
///
/// Attribute values must stand in double quotes, and nothing may be interpolated into a script, a
/// style sheet, or an attribute that is code (`onclick`, `href`).
struct Markup: ExpressibleByStringLiteral, ExpressibleByStringInterpolation {
  private(set) var html: String

  init(stringLiteral value: StaticString) { html = value.description }

  init(stringInterpolation: Pieces) { html = stringInterpolation.html }

  /// Plain text, escaped.
  init(text: String) { html = Self.escaped(text) }

  /// The pieces one after the other, with a line break after each.
  init(lines pieces: some Sequence<Markup>) {
    html = ""
    for piece in pieces where !piece.html.isEmpty {
      html += piece.html
      html += "\n"
    }
  }

  /// The pieces one after the other.
  init(_ pieces: some Sequence<Markup>) {
    html = ""
    for piece in pieces { html += piece.html }
  }

  static let empty: Markup = ""

  static func + (a: Markup, b: Markup) -> Markup { "\(a)\(b)" }

  static func += (a: inout Markup, b: Markup) { a.html += b.html }

  /// The one place where text becomes HTML.
  private static func escaped(_ text: String) -> String {
    var result = ""
    for scalar in text.visible.unicodeScalars {
      switch scalar {
      case "&": result += "&amp;"
      case "<": result += "&lt;"
      case ">": result += "&gt;"
      case "\"": result += "&quot;"
      case "'": result += "&#39;"
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result
  }

  /// Collects the pieces of a literal.
  struct Pieces: StringInterpolationProtocol {
    fileprivate var html = ""

    init(literalCapacity: Int, interpolationCount: Int) {
      html.reserveCapacity(literalCapacity + 16 * interpolationCount)
    }

    mutating func appendLiteral(_ literal: StaticString) { html += literal.description }
    mutating func appendInterpolation(_ text: String) { html += Markup.escaped(text) }
    mutating func appendInterpolation(_ markup: Markup) { html += markup.html }
    mutating func appendInterpolation(_ bytes: ByteCount) { html += bytes.description }
    mutating func appendInterpolation(_ number: Int) { html += String(number) }
    /// A coordinate or length, with one decimal.
    mutating func appendInterpolation(at coordinate: Double) {
      html += Formats.decimal(coordinate, places: 1)
    }
  }
}
