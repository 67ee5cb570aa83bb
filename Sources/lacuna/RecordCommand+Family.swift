// What lacuna record says about a family of processes.

import Recorder

extension RecordCommand {
  /// Says why the command has not ended although the program has.
  func noteWaiting(_ count: Int) {
    guard !quiet else { return }
    let who =
      count == 0
      ? "Something that it started still runs and may be recorded yet."
      : "\(Self.grouped(UInt64(count))) of the processes that it started still run and are recorded."
    note("\(program[0]) has ended. \(who) Press Ctrl-C to stop recording; they run on.")
  }

  /// Says what was written.
  func conclude(_ totals: FamilyTotals, _ path: String) {
    let others = totals.processes - 1
    let files =
      others == 0
      ? path : "\(path) and \(Self.grouped(UInt64(others))) file\(others == 1 ? "" : "s") beside it"
    let processes =
      "\(Self.grouped(UInt64(totals.processes))) process\(totals.processes == 1 ? "" : "es")"
    note(
      "\(Self.grouped(totals.events)) events of \(processes) in \(files). "
        + "Next: lacuna info \(path)")
    if totals.lostEvents > 0 { note("\(totals.lostEvents) events were lost.") }
    if totals.refused > 0 {
      note(
        "\(Self.grouped(UInt64(totals.refused))) processes could not be recorded and ran untraced.")
    }
    if totals.stillRunning > 0 {
      note("\(Self.grouped(UInt64(totals.stillRunning))) processes run on, untraced from now on.")
    }
  }
}
