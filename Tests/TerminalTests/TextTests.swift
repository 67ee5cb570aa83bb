// Text made harmless, measured and cut.

import Terminal
import Testing

@Suite struct TextTests {
  @Test(
    "what could command a terminal becomes visible",
    arguments: [
      ("plain text", "plain text"), ("\u{1b}[31mred", "\\x1b[31mred"),
      ("a\nb\rc\td", "a\\nb\\rc\\td"),
      ("\r\n", "\\r\\n"), ("\0", "\\x00"), ("\u{7f}", "\\x7f"), ("\u{9b}31m", "\\u{9b}31m"),
      ("\u{202e}txt", "\\u{202e}txt"), ("a\u{200b}b", "a\\u{200b}b"), ("größe 字 👍", "größe 字 👍"),
      ("", ""), ("std::vector<int>", "std::vector<int>"),
    ])
  func escaping(text: String, escaped: String) {
    #expect(escapedForTerminal(text) == escaped)
  }

  @Test("no control character is left, whichever it was")
  func allControls() {
    for code in UInt32(0)..<0x3000 {
      guard let scalar = Unicode.Scalar(code) else { continue }
      let escaped = escapedForTerminal("<" + String(Character(scalar)) + ">")
      #expect(escaped.unicodeScalars.allSatisfy { $0.properties.generalCategory != .control })
      // Bytes, since combining marks become one character with what stands before them.
      #expect(escaped.utf8.first == UInt8(ascii: "<") && escaped.utf8.last == UInt8(ascii: ">"))
    }
  }

  @Test(
    "width in columns",
    arguments: [
      ("", 0), ("abc", 3), ("größe", 5), ("e\u{301}", 1), ("字", 2), ("한글", 4), ("ｆｕｌｌ", 8),
      ("👍", 2), ("👨‍👩‍👧", 2), ("☀", 1), ("☀\u{fe0f}", 2), ("…", 1), ("█▏", 2), ("🇩🇪", 2),
      ("\u{200b}", 0),
    ])
  func width(text: String, columns: Int) {
    #expect(displayWidth(text) == columns)
  }

  @Test("cutting never exceeds the width and marks what it cuts")
  func truncation() {
    #expect(truncated("function", toColumns: 8, isUnicode: true) == "function")
    #expect(truncated("function", toColumns: 7, isUnicode: true) == "functi…")
    #expect(truncated("function", toColumns: 7, isUnicode: false) == "functi~")
    #expect(truncated("字字字", toColumns: 4, isUnicode: true) == "字…")
    #expect(truncated("ab cd", toColumns: 4, isUnicode: true) == "ab…")
    #expect(truncated("größe", toColumns: 5, isUnicode: true) == "größe")
    for text in ["function name", "字a字b字c", "👍👍👍x", "e\u{301}e\u{301}e\u{301}"] {
      for columns in 0...14 {
        let cut = truncated(text, toColumns: columns, isUnicode: true)
        #expect(displayWidth(cut) <= columns)
        #expect((cut == text) == (displayWidth(text) <= columns))
      }
    }
  }
}
