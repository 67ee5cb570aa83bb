// What every reporting command accepts, and how it writes its result.

public import ArgumentParser
import Glibc
import MemoryUnits
import Report
public import Terminal
import Trace

/// The trace to read.
struct TraceArgument: ParsableArguments {
  @Argument(
    help: ArgumentHelp("The trace file.", valueName: "trace"),
    completion: .file(extensions: ["trace"]))
  var path: String

  /// Opens the trace; says why and exits with 1 where it cannot be read.
  func open(checking: TraceChecking = .whenSmall) throws -> TraceFile {
    do {
      return try TraceFile(path: path, checking: checking)
    } catch {
      fail("\(error)")
      throw ExitCode(1)
    }
  }

  /// The file name, without its directories.
  var name: String { path.split(separator: "/").last.map(String.init) ?? path }
}

/// How the result is to look.
struct OutputOptions: ParsableArguments {
  @Flag(help: "Print one JSON object instead of text; bytes are integers.")
  var json = false

  @Option(help: ArgumentHelp("Use colour: auto, always or never.", valueName: "when"))
  var color: ColorChoice = .auto

  @Flag(name: .shortAndLong, help: "Show no progress.")
  var quiet = false

  /// Prints the document, or the JSON where that was asked for.
  func print(_ document: @autoclosure () -> TextDocument, json: () throws -> String) throws {
    let console = Console(.standardOutput, color: color)
    try writeResult(self.json ? try json() : Self.render(document(), console), to: console)
  }

  private static func render(_ document: TextDocument, _ console: Console) -> String {
    let styler = console.styler
    let traits = console.traits
    let look = TextLook(
      width: min(traits.columns ?? 100, 140), isUnicode: traits.isUnicode,
      cutsTables: traits.isTerminal
    ) { line, role in
      switch role {
      case .heading: styler(line, .heading)
      case .warning: styler(line, .warning)
      case .emphasis: styler(line, .emphasis)
      }
    }
    return document.text(look)
  }
}

/// Writes a result to standard output; says why and exits with 1 where that is not possible.
///
/// A reader that has left has read what it wanted.
func writeResult(_ text: String, to console: Console = Console(.standardOutput)) throws {
  do {
    try console.write(text)
  } catch .readerGone {
    throw ExitCode.success
  } catch {
    fail("\(error)")
    throw ExitCode(1)
  }
}

extension ColorChoice: ExpressibleByArgument {}
