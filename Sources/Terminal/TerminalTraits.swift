// What the place that output goes to can show: colour, width, Unicode.

import Glibc

/// When output is coloured: what `--color` takes.
public enum ColorChoice: String, CaseIterable, Sendable {
  /// When the output is a terminal that can, and the environment does not say otherwise.
  case auto
  case always
  case never
}

/// One of the two standard streams.
public enum OutputStream: Int32, Sendable {
  case standardOutput = 1
  case standardError = 2
}

/// What a stream can show.
public struct TerminalTraits: Hashable, Sendable {
  /// Whether somebody may be looking.
  public var isTerminal: Bool
  /// Columns of the terminal; nil where the output is none, or its width is unknown.
  public var columns: Int?
  /// Whether escape sequences for colour may be written.
  public var usesColor: Bool
  /// Whether characters beyond ASCII can be written.
  public var isUnicode: Bool

  /// Traits by decision, not by asking.
  public init(isTerminal: Bool, columns: Int? = nil, usesColor: Bool, isUnicode: Bool) {
    self.isTerminal = isTerminal
    self.columns = columns
    self.usesColor = usesColor
    self.isUnicode = isUnicode
  }

  /// Asks the system about one of this process's streams.
  public static func detect(_ stream: OutputStream, color: ColorChoice = .auto) -> TerminalTraits {
    let descriptor = stream.rawValue
    var size = winsize()
    let isTerminal = isatty(descriptor) == 1
    let width = isTerminal && ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0 ? Int(size.ws_col) : 0
    return decide(isTerminal: isTerminal, width: width, color: color) { name in
      getenv(name).map { String(cString: $0) }
    }
  }

  /// Decides from the facts; `width` is what the terminal says, 0 where it does not.
  ///
  /// Colour follows no-color.org and bixense.com/clicolors: a choice on the command line counts
  /// most, then `NO_COLOR`, then `CLICOLOR_FORCE` and `FORCE_COLOR`, then `CLICOLOR=0`, then whether
  /// there is a terminal that is not `dumb`.
  public static func decide(
    isTerminal: Bool, width: Int, color: ColorChoice, environment: (String) -> String?
  ) -> TerminalTraits {
    let columns = environment("COLUMNS").flatMap { Int($0) } ?? width
    return TerminalTraits(
      isTerminal: isTerminal,
      columns: isTerminal && columns > 0 ? columns : nil,
      usesColor: usesColor(color, isTerminal: isTerminal, environment: environment),
      isUnicode: isUnicode(environment: environment))
  }

  private static func usesColor(
    _ choice: ColorChoice, isTerminal: Bool, environment: (String) -> String?
  ) -> Bool {
    switch choice {
    case .always: return true
    case .never: return false
    case .auto: break
    }
    func value(_ name: String) -> String? {
      environment(name).flatMap { $0.isEmpty ? nil : $0 }
    }
    if value("NO_COLOR") != nil { return false }
    if let force = value("CLICOLOR_FORCE"), force != "0" { return true }
    if let force = value("FORCE_COLOR") { return force != "0" && force != "false" }
    guard isTerminal, value("CLICOLOR") != "0", let term = value("TERM") else { return false }
    return term != "dumb"
  }

  /// The first of the three variables that says anything decides, as in the C library.
  private static func isUnicode(environment: (String) -> String?) -> Bool {
    for name in ["LC_ALL", "LC_CTYPE", "LANG"] {
      guard let value = environment(name), !value.isEmpty else { continue }
      let locale = value.lowercased()
      return locale.contains("utf-8") || locale.contains("utf8")
    }
    return false
  }
}
