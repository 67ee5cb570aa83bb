// What a piece of text means, and how a terminal shows that.

/// What a piece of text is, as far as its look goes.
public enum Style: CaseIterable, Sendable {
  case heading
  case emphasis
  case good
  case warning
  case bad
  /// Less important than what stands around it.
  case dim

  /// The parameters of the escape sequence "select graphic rendition" (ECMA-48, 8.3.117).
  ///
  /// Only the eight basic colours, which every theme makes legible.
  var parameters: String {
    switch self {
    case .heading: "1"
    case .emphasis: "1"
    case .good: "32"
    case .warning: "33"
    case .bad: "31"
    case .dim: "2"
    }
  }
}

/// Puts styles on text, or leaves it plain.
public struct Styler: Hashable, Sendable {
  /// Whether styles show.
  public var isEnabled: Bool

  /// A styler that is on or off.
  public init(isEnabled: Bool) { self.isEnabled = isEnabled }

  /// A styler for a stream: on where it uses colour.
  public init(_ traits: TerminalTraits) { self.isEnabled = traits.usesColor }

  /// The text in this style.
  ///
  /// Escape sequences do not nest: style the pieces, not the whole.
  public func callAsFunction(_ text: String, _ style: Style) -> String {
    isEnabled && !text.isEmpty ? "\u{1b}[\(style.parameters)m\(text)\u{1b}[0m" : text
  }
}
