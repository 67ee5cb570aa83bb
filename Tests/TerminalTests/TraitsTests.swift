// Colour, width and Unicode, decided from the environment.

import Terminal
import Testing

@Suite struct TraitsTests {
  private func traits(
    _ environment: [String: String], isTerminal: Bool = true, width: Int = 80,
    color: ColorChoice = .auto
  ) -> TerminalTraits {
    .decide(isTerminal: isTerminal, width: width, color: color) { environment[$0] }
  }

  /// The documented order of precedence, written as a table; the first row that applies decides.
  private func expectedColor(
    _ environment: [String: String], isTerminal: Bool, color: ColorChoice
  ) -> Bool {
    let force = environment["CLICOLOR_FORCE"] ?? ""
    let rules: [(applies: Bool, result: Bool)] = [
      (color == .never, false),
      (color == .always, true),
      (environment["NO_COLOR"] ?? "" != "", false),
      (force != "" && force != "0", true),
      (environment["FORCE_COLOR"] == "1", true),
      (environment["FORCE_COLOR"] == "0", false),
      (!isTerminal, false),
      (environment["CLICOLOR"] == "0", false),
      (environment["TERM"] ?? "" == "", false),
      (environment["TERM"] == "dumb", false),
      (true, true),
    ]
    return rules.first { $0.applies }?.result ?? false
  }

  @Test("colour, for every combination of what can be said about it")
  func color() {
    let values: [(String, [String?])] = [
      ("NO_COLOR", [nil, "", "1"]), ("CLICOLOR_FORCE", [nil, "0", "1"]),
      ("FORCE_COLOR", [nil, "", "0", "1"]), ("CLICOLOR", [nil, "0", "1"]),
      ("TERM", [nil, "dumb", "xterm-256color"]),
    ]
    var environments: [[String: String]] = [[:]]
    for (name, choices) in values {
      environments = environments.flatMap { environment in
        choices.map { choice in
          var more = environment
          more[name] = choice
          return more
        }
      }
    }
    #expect(environments.count == 324)
    for environment in environments {
      for choice in ColorChoice.allCases {
        for isTerminal in [false, true] {
          let decided = traits(environment, isTerminal: isTerminal, color: choice).usesColor
          let expected = expectedColor(environment, isTerminal: isTerminal, color: choice)
          #expect(decided == expected, "\(environment) \(choice) \(isTerminal)")
        }
      }
    }
  }

  @Test("width: the user's wish, then the terminal's word, and none without a terminal")
  func width() {
    #expect(traits([:], width: 120).columns == 120)
    #expect(traits(["COLUMNS": "60"], width: 120).columns == 60)
    #expect(traits(["COLUMNS": "wide"], width: 120).columns == 120)
    #expect(traits([:], width: 0).columns == nil)
    #expect(traits(["COLUMNS": "-5"], width: 80).columns == nil)
    #expect(traits(["COLUMNS": "60"], isTerminal: false).columns == nil)
  }

  @Test(
    "Unicode by the locale",
    arguments: [
      ([:], false), (["LANG": "C"], false), (["LANG": "C.UTF-8"], true),
      (["LANG": "de_DE.utf8"], true), (["LC_ALL": "C", "LANG": "en_US.UTF-8"], false),
      (["LC_ALL": "", "LC_CTYPE": "en_US.UTF-8", "LANG": "C"], true), (["LC_ALL": "POSIX"], false),
    ])
  func unicode(environment: [String: String], isUnicode: Bool) {
    #expect(traits(environment).isUnicode == isUnicode)
  }

  @Test("styles only where enabled, and never around nothing")
  func styles() {
    let (on, off) = (Styler(isEnabled: true), Styler(isEnabled: false))
    for style in Style.allCases {
      #expect(off("text", style) == "text")
      #expect(
        on("text", style).hasPrefix("\u{1b}[") && on("text", style).hasSuffix("mtext\u{1b}[0m"))
      #expect(on("", style).isEmpty)
    }
    #expect(Set(Style.allCases.map { on("x", $0) }).count == Style.allCases.count)
    #expect(on("x", .bad) == "\u{1b}[31mx\u{1b}[0m")
  }
}
