// Tables that line up, with and without a terminal.

import Terminal
import TestSupport
import Testing

@Suite struct TableTests {
  private let file = TerminalTraits(isTerminal: false, usesColor: false, isUnicode: true)
  private func terminal(_ columns: Int, color: Bool = false) -> TerminalTraits {
    TerminalTraits(isTerminal: true, columns: columns, usesColor: color, isUnicode: true)
  }

  private func sites() -> Table {
    var table = Table(columns: [
      .init("bytes", .right), .init("function", isFlexible: true), .init("note"),
    ])
    table.add(["1024", "main", "x"])
    table.add(["7", "a_function_with_a_long_name"])
    table.add(["99", "größe 字", "y"])
    return table
  }

  @Test("columns line up, nothing trails")
  func plain() {
    #expect(
      sites().render(file) == """
        bytes  function                     note
         1024  main                         x
            7  a_function_with_a_long_name
           99  größe 字                     y

        """)
  }

  @Test("one column is cut to the terminal's width, down to a least width")
  func flexible() {
    #expect(
      sites().render(terminal(30)) == """
        bytes  function           note
         1024  main               x
            7  a_function_with_…
           99  größe 字           y

        """)
    #expect(sites().render(terminal(200)) == sites().render(file))
    let narrow = sites().render(terminal(5))
    #expect(narrow.contains("    7  a_function_…\n"))
    // A width without a terminal is no reason to lose text.
    let piped = TerminalTraits(isTerminal: false, columns: 30, usesColor: false, isUnicode: true)
    #expect(sites().render(piped) == sites().render(file))
  }

  @Test("styles do not disturb the layout")
  func styled() {
    var table = Table(columns: [.init("a"), .init("b", .right)])
    table.add([.init("one", .good), .init("1", .bad)])
    table.add(["three", "22"])
    let colored = table.render(terminal(80, color: true))
    #expect(
      colored == """
        \u{1b}[1;4ma\u{1b}[0m       \u{1b}[1;4mb\u{1b}[0m
        \u{1b}[32mone\u{1b}[0m     \u{1b}[31m1\u{1b}[0m
        three  22

        """)
    #expect(table.render(file) == "a       b\none     1\nthree  22\n")
  }

  @Test("cells are escaped; without titles there is no header; an empty table is empty")
  func edges() {
    var table = Table(columns: [.init(""), .init("")])
    #expect(table.render(file).isEmpty)
    table.add(["a\nb", "\u{1b}]0;title\u{7}"])
    table.add([])
    #expect(table.render(file) == "a\\nb  \\x1b]0;title\\x07\n\n")
  }

  @Test("whatever the cells: one line each, no blanks at the end, right edges together")
  func random() {
    var random = SeededRandom(seed: 11)
    let letters = ["a", "bc", "字", "é", " ", "", "long word"]
    for _ in 0..<200 {
      var table = Table(columns: [
        .init("n", .right), .init("t", isFlexible: true), .init("u", .right),
      ])
      let count = Int.random(in: 0...6, using: &random)
      for _ in 0..<count {
        let text = (0..<Int.random(in: 0...9, using: &random)).compactMap { _ in
          letters.randomElement(using: &random)
        }.joined()
        table.add(["\(Int.random(in: 0...99999, using: &random))", .init(text), "x"])
      }
      let width = Int.random(in: 24...60, using: &random)
      let lines = table.render(terminal(width)).split(
        separator: "\n", omittingEmptySubsequences: false)
      #expect(lines.count == count + 2 && lines.last == "")
      let widths = Set(lines.dropLast().map { displayWidth($0) })
      #expect(widths.count == 1 && widths.allSatisfy { $0 <= width })
      #expect(lines.allSatisfy { $0.last != " " })
    }
  }
}
