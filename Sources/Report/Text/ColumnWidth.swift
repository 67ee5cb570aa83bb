// How many columns of a terminal a text takes, and how to make it take fewer.

extension Character {
  /// Columns on a terminal: 2 for East Asian wide and emoji, 0 for a lone mark, else 1.
  var columns: Int {
    guard let scalar = unicodeScalars.first else { return 0 }
    switch scalar.properties.generalCategory {
    case .nonspacingMark, .enclosingMark: return 0
    default: break
    }
    if unicodeScalars.contains("\u{FE0F}") { return 2 }
    switch scalar.value {
    case 0x1100...0x115f, 0x2e80...0x303e, 0x3041...0xa4cf, 0xa960...0xa97f, 0xac00...0xd7a3,
      0xf900...0xfaff, 0xfe30...0xfe6f, 0xff00...0xff60, 0xffe0...0xffe6, 0x1f000...0x1faff,
      0x20000...0x3fffd:
      return 2
    default:
      return scalar.properties.isEmojiPresentation ? 2 : 1
    }
  }
}

extension String {
  /// Columns that the text takes.
  var columns: Int { reduce(0) { $0 + $1.columns } }

  /// The text, cut to at most `width` columns; an ellipsis says that something is missing.
  func shortened(to width: Int) -> String {
    guard columns > width else { return self }
    guard width > 0 else { return "" }
    var result = ""
    var used = 1
    for character in self {
      used += character.columns
      if used > width { break }
      result.append(character)
    }
    return result + "…"
  }

  /// The text with spaces up to `width` columns.
  func padded(to width: Int, _ alignment: TextColumn.Alignment = .left) -> String {
    let spaces = String(repeating: " ", count: max(0, width - columns))
    return alignment == .left ? self + spaces : spaces + self
  }

  /// The text in lines of at most `width` columns, broken at spaces; longer words are cut apart.
  func wrapped(to width: Int) -> [String] {
    let width = max(width, 2)
    var lines: [String] = []
    var line = ""
    var used = 0
    for word in split(separator: " ") {
      let length = String(word).columns
      if used > 0, used + 1 + length <= width {
        line += " " + word
        used += 1 + length
        continue
      }
      if used > 0 { lines.append(line) }
      (line, used) = ("", 0)
      for character in word {
        if used + character.columns > width {
          lines.append(line)
          (line, used) = ("", 0)
        }
        line.append(character)
        used += character.columns
      }
    }
    if used > 0 { lines.append(line) }
    return lines
  }
}
