// lacuna record: runs a program, or watches one that runs, and writes its trace.

import ArgumentParser
import Glibc
import Recorder
import Symbols
import Terminal
import Trace

/// How call stacks are walked.
enum StackMethod: String, ExpressibleByArgument, CaseIterable {
  case cfi
  case framePointer = "frame-pointer"
  case none
}

struct RecordCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "record",
    abstract: "Trace a program from its start, or a process that runs already.",
    discussion: """
      EXAMPLES
        lacuna record -- sqlite3 :memory: 'select 1'
        lacuna record -o build.trace -- clang -c big.c
        PYTHONMALLOC=malloc lacuna record -- python3 script.py
        lacuna record --follow -o build.trace -- make -j2
        lacuna record --pid 4711 --duration 30s -o server.trace
        lacuna record --pid $(pidof nginx)
        lacuna record --regions 1/64 -- server --in-production

      The program runs as always: its input, output, signals and exit code are its own. Every \
      malloc, calloc, realloc, free and their kin is written down with time, thread, call stack \
      and the address that came of it.

      With --pid a process that runs already is recorded, until --duration is over, Ctrl-C or its \
      end. It stands still for a few milliseconds at both ends, and runs on as before. Blocks from \
      before count as unknown. Calls through function pointers that the program took before, and \
      those inside an allocator, are not seen.
      """)

  @Option(
    name: [.short, .long],
    help: ArgumentHelp(
      "The trace file to write. %p stands for the process id of lacuna itself.",
      valueName: "file"))
  var output: String?

  @Option(
    help: ArgumentHelp(
      "Frames to keep of each call stack, at most 128; 0 records no stacks.", valueName: "frames"))
  var stackDepth = 128

  @Option(
    help: ArgumentHelp(
      "How to walk the call stacks: by call frame information (cfi); by frame pointers "
        + "(frame-pointer), for programs compiled with -fno-omit-frame-pointer or with code made at "
        + "run time; or not at all (none).", valueName: "how"))
  var stacks = StackMethod.cfi
  @Flag(
    help: """
      Record also the processes that the program starts, and those that they start: each in a file \
      of its own, with its process id before the extension.
      """)
  var follow = false
  @OptionGroup var attachment: AttachArguments
  @OptionGroup var regions: RegionOptions

  @Flag(name: .shortAndLong, help: "Say nothing but errors.")
  var quiet = false

  @Argument(
    parsing: .captureForPassthrough,
    help: ArgumentHelp("The program to run and its arguments.", valueName: "command"))
  var command: [String] = []

  func validate() throws {
    try attachment.validate(program: program.first)
    guard let name = program.first ?? (attachment.processID == nil ? nil : "") else {
      throw ValidationError(
        "Say which program to run: lacuna record -- COMMAND …; or which process: --pid ID")
    }
    // All from the first argument that is no option of ours on is taken for the command.
    if command.first == "--help" || command.first == "-h" { throw CleanExit.helpRequest(self) }
    // What is not known to the parser begins the command, so this is an option that is misspelt.
    guard command.first == "--" || !name.hasPrefix("-") else {
      throw ValidationError(
        "Unknown option '\(name)'. Write -- before a program whose name begins like an option.")
    }
    guard output != "-" else {
      throw ValidationError("A trace needs a file: standard output is the program's own.")
    }
    guard output != "" else { throw ValidationError("--output takes the name of a file.") }
    guard (0...128).contains(stackDepth) else {
      throw ValidationError("--stack-depth takes 0 to 128.")
    }
  }

  /// So many arguments the parser sees; the rest belongs to the program in any case.
  ///
  /// Its time grows with the square of their number: minutes for what a shell makes of `*`.
  private static let parsedArguments = 64

  /// The part of the command line, `record` included, that the parser is to see.
  static func parsed(_ arguments: [String]) -> [String] {
    Array(arguments.prefix(parsedArguments))
  }

  /// The command without the `--` that may stand before it.
  var program: [String] {
    Array(command.first == "--" ? command.dropFirst() : command[...])
      + CommandLine.arguments.dropFirst(1 + Self.parsedArguments)
  }

  func run() throws {
    if let processID = attachment.processID {
      return try attach(to: processID, output?.replacing("%p", with: "\(getpid())"))
    }
    let executable = try find(program[0])
    let path = output.map { $0.replacing("%p", with: "\(getpid())") } ?? defaultName
    var options = RecordingOptions(command: program, executable: executable, output: path)
    options.settings = settings
    options.followsChildren = follow
    let result: RecordingResult
    do {
      let recording = try Recording(options, version: Lacuna.version)
      var progress = ProgressLine("recording", unit: "events", isQuiet: quiet)
      result = try recording.run {
        progress.update(done: Int($0))
      } waiting: {
        noteWaiting($0)
      }
      progress.finish()
    } catch RecorderError.cannotStart(let name, let code) {
      fail("cannot run \(name): \(String(cString: strerror(code)))")
      throw ExitCode(code == ENOENT ? 127 : 126)
    } catch {
      fail("\(error)")
      throw ExitCode(1)
    }
    conclude(result, path)
    throw ExitCode(result.exitCode)
  }

  /// What is captured, of a program that is started and of a process that runs.
  var settings: CaptureSettings {
    var settings = CaptureSettings()
    settings.stackLimit = stacks == .none ? 0 : stackDepth
    settings.usesFramePointers = stacks == .framePointer
    settings.regions = regions.sampling()
    return settings
  }

  private var defaultName: String {
    let name = program[0].split(separator: "/").last.map(String.init) ?? "program"
    return "lacuna.\(name).\(getpid()).trace"
  }

  private func conclude(_ result: RecordingResult, _ path: String) {
    if let failure = result.failure { fail("the trace is incomplete: \(failure)") }
    if result.unrecordedImages > 0 {
      fail(
        "\(result.unrecordedImages) of the programs that ran one after another in the process "
          + "could not be recorded: under their limit on address space (ulimit -v) there is no "
          + "room for the shared memory of the recording")
    }
    guard result.sawProgram else {
      fail(
        "nothing was recorded: the program never loaded liblacuna.so. Statically linked programs "
          + "and those that clear LD_PRELOAD cannot be traced this way.")
      return
    }
    guard !quiet else { return }
    if let family = result.family { return conclude(family, path) }
    let summary = result.summary
    note(
      "\(Self.grouped(summary.events)) events of \(program[0]) in \(path). "
        + "Next: lacuna report \(path)")
    if summary.lostEvents > 0 { note("\(summary.lostEvents) events were lost.") }
  }

  static func grouped(_ number: UInt64) -> String {
    var digits = String(number)
    var result = ""
    while digits.count > 3 {
      result = "," + digits.suffix(3) + result
      digits.removeLast(3)
    }
    return digits + result
  }
}

// MARK: Before the program runs

extension RecordCommand {
  /// The file that would be executed, if it can be traced; says why and exits where it cannot.
  private func find(_ name: String) throws -> String {
    let candidates =
      name.contains("/") || name.isEmpty
      ? [name] : Self.searchPath.map { ($0.isEmpty ? "." : $0) + "/" + name }
    var refused: String?
    for candidate in candidates {
      switch ExecutableCheck(path: candidate) {
      case .missing: continue
      case .notExecutable: refused = refused ?? candidate
      case let check:
        try refuse(candidate, check)
        return candidate
      }
    }
    guard let refused else {
      fail(
        name.contains("/")
          ? "\(name): no such program" : "'\(name)': no such program on the search path (PATH)")
      throw ExitCode(127)
    }
    fail("cannot run \(refused): \(Self.hindrance(refused))")
    throw ExitCode(126)
  }

  /// Why a file that is there cannot be run, and what helps.
  private static func hindrance(_ path: String) -> String {
    var status = stat()
    guard stat(path, &status) == 0 else { return String(cString: strerror(errno)) }
    return switch status.st_mode & S_IFMT {
    case S_IFDIR: "it is a directory; name the program in it"
    case S_IFREG: "there is no permission; chmod +x gives it"
    default: "it is no regular file, which a program must be"
    }
  }

  /// Exits where it is clear that nothing would be recorded.
  ///
  /// Of a script the interpreter counts.
  private func refuse(_ path: String, _ first: ExecutableCheck) throws {
    var check = first
    var file = path
    // The kernel follows at most four interpreters that are scripts themselves.
    for _ in 0..<5 {
      switch check {
      case .dynamic, .unreadable: return
      case .script(let interpreter, _):
        file = interpreter
        check = ExecutableCheck(path: interpreter)
      default:
        let shell = check == .unknownFormat ? "; record sh \(path) if it is a shell script" : ""
        fail("cannot trace \(path): \(file == path ? "it" : file) \(check)\(shell)")
        throw ExitCode(126)
      }
    }
  }

  private static var searchPath: [String] {
    let path = getenv("PATH").map { String(cString: $0) } ?? "/usr/local/bin:/usr/bin:/bin"
    return path.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
  }
}
