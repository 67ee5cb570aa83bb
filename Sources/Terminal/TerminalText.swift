// Text on a terminal: made harmless, measured in columns, cut to fit.

/// The text with everything that could command a terminal or mislead a reader made visible: control
/// characters as `\n`, `\t`, `\x1b`, and the invisible characters that turn the direction of text
/// as `\u{202e}`.
///
/// For names from files and programs.
public func escapedForTerminal(_ text: String) -> String {
  if text.utf8.allSatisfy({ $0 >= 0x20 && $0 < 0x7f }) { return text }
  var escaped = String.UnicodeScalarView()
  for scalar in text.unicodeScalars {
    switch scalar.value {
    case 0x0a: escaped.append(contentsOf: "\\n".unicodeScalars)
    case 0x0d: escaped.append(contentsOf: "\\r".unicodeScalars)
    case 0x09: escaped.append(contentsOf: "\\t".unicodeScalars)
    case 0..<0x20, 0x7f:
      let digits = String(scalar.value, radix: 16)
      escaped.append(contentsOf: ("\\x" + (digits.count < 2 ? "0" : "") + digits).unicodeScalars)
    case 0x80..<0xa0, 0x61c, 0x200b...0x200f, 0x2028...0x202e, 0x2060...0x206f, 0xfeff:
      escaped.append(contentsOf: "\\u{\(String(scalar.value, radix: 16))}".unicodeScalars)
    default: escaped.append(scalar)
    }
  }
  return String(escaped)
}

/// The number of columns in which a terminal shows `text`, which holds no escape sequences.
public func displayWidth(_ text: some StringProtocol) -> Int {
  text.reduce(0) { $0 + displayWidth($1) }
}

/// A cluster is as wide as its widest scalar; the emoji selector widens it.
func displayWidth(_ character: Character) -> Int {
  if let ascii = character.asciiValue { return ascii >= 0x20 && ascii != 0x7f ? 1 : 0 }
  var width = 0
  for scalar in character.unicodeScalars {
    if scalar.value == 0xfe0f, width > 0 { return 2 }
    width = max(width, displayWidth(scalar))
  }
  return width
}

private func displayWidth(_ scalar: Unicode.Scalar) -> Int {
  switch scalar.properties.generalCategory {
  case .nonspacingMark, .enclosingMark, .format, .control, .lineSeparator, .paragraphSeparator:
    return 0
  default:
    return isWide(scalar.value) ? 2 : 1
  }
}

/// East Asian wide and full-width characters (Unicode Standard Annex 11), in whole blocks.
private func isWide(_ code: UInt32) -> Bool {
  switch code {
  case 0x1100...0x115f, 0x231a...0x231b, 0x2329...0x232a, 0x23e9...0x23ec, 0x23f0, 0x23f3,
    0x25fd...0x25fe, 0x2614...0x2615, 0x2648...0x2653, 0x267f, 0x2693, 0x26a1, 0x26aa...0x26ab,
    0x26bd...0x26be, 0x26c4...0x26c5, 0x26ce, 0x26d4, 0x26ea, 0x26f2...0x26f3, 0x26f5, 0x26fa,
    0x26fd, 0x2705, 0x270a...0x270b, 0x2728, 0x274c, 0x274e, 0x2753...0x2755, 0x2757,
    0x2795...0x2797, 0x27b0, 0x27bf, 0x2b1b...0x2b1c, 0x2b50, 0x2b55, 0x2e80...0x303e,
    0x3041...0x33ff, 0x3400...0x4dbf, 0x4e00...0x9fff, 0xa000...0xa4cf, 0xa960...0xa97f,
    0xac00...0xd7a3, 0xf900...0xfaff, 0xfe10...0xfe19, 0xfe30...0xfe6f, 0xff01...0xff60,
    0xffe0...0xffe6, 0x16fe0...0x18aff, 0x1b000...0x1b2ff, 0x1f004, 0x1f0cf, 0x1f18e,
    0x1f191...0x1f19a, 0x1f1e6...0x1f202, 0x1f210...0x1f23b, 0x1f240...0x1f248, 0x1f250...0x1f251,
    0x1f260...0x1f265, 0x1f300...0x1f320, 0x1f32d...0x1f335, 0x1f337...0x1f37c, 0x1f37e...0x1f393,
    0x1f3a0...0x1f3ca, 0x1f3cf...0x1f3d3, 0x1f3e0...0x1f3f0, 0x1f3f4, 0x1f3f8...0x1f43e, 0x1f440,
    0x1f442...0x1f4fc, 0x1f4ff...0x1f53d, 0x1f54b...0x1f54e, 0x1f550...0x1f567, 0x1f57a,
    0x1f595...0x1f596, 0x1f5a4, 0x1f5fb...0x1f64f, 0x1f680...0x1f6c5, 0x1f6cc, 0x1f6d0...0x1f6d2,
    0x1f6d5...0x1f6d7, 0x1f6dc...0x1f6df, 0x1f6eb...0x1f6ec, 0x1f6f4...0x1f6fc, 0x1f7e0...0x1f7eb,
    0x1f7f0, 0x1f90c...0x1f93a, 0x1f93c...0x1f945, 0x1f947...0x1f9ff, 0x1fa70...0x1faff,
    0x20000...0x3fffd:
    true
  default: false
  }
}

/// The beginning of `text` that fits into `columns`, with a mark at its end where something was cut
/// off: `…`, or `~` where only ASCII may be shown.
public func truncated(_ text: String, toColumns columns: Int, isUnicode: Bool) -> String {
  guard columns > 0 else { return "" }
  // A text of so few bytes fits in any case, and measuring is not free.
  if text.utf8.count <= columns || displayWidth(text) <= columns { return text }
  var kept = ""
  var width = 0
  for character in text {
    let next = displayWidth(character)
    if width + next > columns - 1 { break }
    kept.append(character)
    width += next
  }
  while kept.last == " " { kept.removeLast() }
  return kept + (isUnicode ? "…" : "~")
}
