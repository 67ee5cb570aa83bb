// lacuna repack: makes a trace smaller without changing what it says.

import ArgumentParser
import Glibc
import Trace

struct RepackCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "repack",
    abstract: "Pack a trace as small as possible; what it says stays the same.",
    discussion: """
      Recording packs quickly; this takes its time. The trace is replaced only after the new file was \
      read again and compared. Of a damaged trace everything intact is kept.

      EXAMPLES
        lacuna repack app.trace
        lacuna repack app.trace -o small.trace --level 9
      """)

  @Argument(
    help: ArgumentHelp("The trace file.", valueName: "trace"),
    completion: .file(extensions: ["trace"]))
  var path: String

  @Option(
    name: .shortAndLong,
    help: ArgumentHelp("The file to write, instead of replacing the trace.", valueName: "file"),
    completion: .file(extensions: ["trace"]))
  var output: String?

  @Option(help: ArgumentHelp("How hard to search, from 1 (quick) to 9.", valueName: "n"))
  var level = 9

  @Flag(name: .shortAndLong, help: "Say nothing about the sizes.")
  var quiet = false

  func validate() throws {
    guard (1...9).contains(level) else { throw ValidationError("--level goes from 1 to 9") }
  }

  func run() throws {
    let file = try OutputFile(output ?? path)
    let result: RepackedTrace
    do {
      result = try file.replace { temporary throws(TraceError) in
        try TraceRepacker.repack(path, to: temporary, level: level)
      }
    } catch let error as TraceError {
      fail("\(error)")
      throw ExitCode(1)
    }
    for damage in result.damage {
      note(
        "\(path): bytes \(damage.bytes.lowerBound) to \(damage.bytes.upperBound) were damaged "
          + "before and are left out: \(damage.explanation)")
    }
    if !quiet { note("\(file.path): \(result.bytesBefore) bytes became \(result.bytesAfter)") }
  }
}
