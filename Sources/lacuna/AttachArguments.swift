// lacuna record --pid: records a process that runs already.

import ArgumentParser
import Recorder
import Terminal
import Trace

/// The options that turn `record` to a running process.
struct AttachArguments: ParsableArguments {
  @Option(
    name: [.short, .customLong("pid")],
    help: ArgumentHelp(
      "Record the process with this id, which runs already, instead of starting a program.",
      valueName: "id"))
  var processID: Int32?

  @Option(
    help: ArgumentHelp(
      "With --pid: how long to record, such as 500ms, 10s, 5m or 1h; until the process ends or "
        + "Ctrl-C where this is left out.", valueName: "time"))
  var duration: TimeSpan?

  func validate(program: String?) throws {
    guard processID != nil else {
      if duration != nil { throw ValidationError("--duration goes with --pid alone.") }
      return
    }
    if let program {
      throw ValidationError("--pid records a process that runs already: '\(program)' is too much.")
    }
  }
}

/// A length of time as people write it.
struct TimeSpan: ExpressibleByArgument {
  var seconds: Double

  init?(argument: String) {
    let units: [(String, Double)] = [("ms", 0.001), ("s", 1), ("m", 60), ("h", 3600), ("", 1)]
    for (unit, factor) in units where argument.hasSuffix(unit) {
      let digits = argument.dropLast(unit.count)
      guard digits.allSatisfy({ $0.isASCII && ($0.isNumber || $0 == ".") }),
        let number = Double(digits), number * factor > 0, number * factor <= 1e9
      else { return nil }
      seconds = number * factor
      return
    }
    return nil
  }
}

extension RecordCommand {
  /// Attaches, records, detaches.
  func attach(to processID: Int32, _ output: String?) throws {
    var options = Recorder.AttachOptions(processID: processID)
    options.output = output
    options.settings = settings
    options.seconds = attachment.duration?.seconds
    let recording: AttachedRecording
    let result: AttachResult
    do {
      recording = try AttachedRecording(options, version: Lacuna.version)
      var progress = ProgressLine("recording", unit: "events", isQuiet: quiet)
      result = try recording.run {
        guard !quiet, options.seconds == nil else { return }
        note("recording process \(processID); Ctrl-C ends the recording, not the process.")
      } progress: { events in
        progress.update(done: Int(events))
      }
      progress.finish()
    } catch {
      fail("\(error)")
      throw ExitCode(1)
    }
    conclude(result, recording)
    if result.failure != nil { throw ExitCode(1) }
  }

  private func conclude(_ result: AttachResult, _ recording: AttachedRecording) {
    if let failure = result.failure { fail("the trace is incomplete: \(failure)") }
    let processID = attachment.processID ?? 0
    if result.isLeftRedirected {
      note(
        "a thread of process \(processID) did not stand still: its calls still pass through "
          + "liblacuna.so, which does nothing with them any more.")
    }
    guard !quiet else { return }
    let summary = result.summary
    let ending =
      switch result.ending {
      case .detached: "which runs on"
      case .processEnded: "which has ended"
      case .replaced: "which runs another program now"
      }
    note(
      "\(Self.grouped(summary.events)) events of process \(processID), \(ending), in "
        + "\(recording.output). Next: lacuna report \(recording.output)")
    if summary.freesOfEarlierBlocks > 0 {
      note(
        "\(Self.grouped(summary.freesOfEarlierBlocks)) of them end blocks from before the recording."
      )
    }
    if summary.lostEvents > 0 { note("\(summary.lostEvents) events were lost.") }
  }
}
