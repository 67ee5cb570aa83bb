// The command: its subcommands and its version.

import ArgumentParser
import Glibc

@main
struct Lacuna: ParsableCommand {
  static let version = "0.1.0"

  static let configuration = CommandConfiguration(
    commandName: "lacuna",
    abstract:
      "Shows the holes in a program's memory: where they are, who keeps them open, and what "
      + "another allocator would have done.",
    discussion: """
      EXAMPLES
        lacuna record -o app.trace -- ./app --its-options
        lacuna report app.trace -o app.html
        lacuna pins app.trace --at end
        lacuna compare app.trace

      Exit codes: 0 done, 1 failed, 64 wrong usage; record returns the program's own code, 128+n \
      where signal n ended it, 126 or 127 where it could not be run.
      """,
    version: version,
    subcommands: [
      RecordCommand.self, InfoCommand.self, ReportCommand.self, PinsCommand.self,
      ReplayCommand.self, CompareCommand.self, ExportCommand.self, ImportCommand.self,
      GenerateCommand.self, RepackCommand.self, SymbolizeCommand.self,
    ])

  static func main() {
    // The arguments themselves are read from /proc, and so is nearly all that there is to record.
    guard !CommandLine.arguments.isEmpty else {
      fail("there is no /proc here; mount it first: mount -t proc proc /proc")
      Glibc.exit(1)
    }
    let arguments = Array(CommandLine.arguments.dropFirst())
    main(arguments.first == "record" ? RecordCommand.parsed(arguments) : arguments)
  }
}
