// lacuna symbolize: puts the names of functions into a trace.

import ArgumentParser
import Symbols
import Terminal
import Trace

struct SymbolizeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "symbolize",
    abstract: "Put the names of functions into a trace, so that it can be read elsewhere.",
    discussion: """
      A trace says where its calls return to, and which files lay there. The names are in those \
      files: this copies the ones that are needed, and packs the trace as repack does. A file that \
      was replaced since it was recorded, by its build id, gives no names.

      EXAMPLES
        lacuna symbolize app.trace
        lacuna symbolize app.trace -o for-you.trace
        lacuna symbolize app.trace --debug-path /srv/builds/1.4.2
      """)

  @OptionGroup var trace: TraceArgument

  @Option(
    name: .shortAndLong,
    help: ArgumentHelp("The file to write, instead of replacing the trace.", valueName: "file"),
    completion: .file(extensions: ["trace"]))
  var output: String?

  @Option(
    help: ArgumentHelp(
      "A directory with copies of the modules, by full path or by name; may be repeated.",
      valueName: "directory"),
    completion: .directory)
  var debugPath: [String] = []

  @Flag(name: .shortAndLong, help: "Say nothing but what is wrong.")
  var quiet = false

  func run() throws {
    let file = try trace.open()
    let calls = file.stacks.calls
    let symbolizer = Symbolizer(of: file, searchPaths: debugPath)
    let names = calls.compactMap { place in
      symbolizer.symbol(at: place).map { FunctionName(place: place, symbol: $0) }
    }
    for problem in symbolizer.problems { note("\(problem)") }
    let target = try OutputFile(output ?? trace.path)
    do {
      let result = try target.replace { temporary throws(TraceError) in
        try TraceRepacker.repack(trace.path, to: temporary, level: 9, names: names)
      }
      if !quiet {
        note(
          "\(target.path): \(names.count) of \(calls.count) calls named;"
            + " \(result.bytesBefore) bytes became \(result.bytesAfter)")
      }
    } catch let error as TraceError {
      fail("\(error)")
      throw ExitCode(1)
    }
  }
}
