// The threads of a process: their names, and when they began and ended.

import CLinux
import Glibc
import Trace

/// Gives each thread that writes records its place in the trace, and watches it until it ends.
///
/// The process numbers its threads by serials, which are never used again. The kernel's ids are.
struct ThreadRegister {
  private struct Entry {
    let index: ThreadIndex
    let kernelID: Int32
    var name: String
    var began: Timestamp
    /// Until then a name that the thread gives itself is looked for at every step.
    let youngUntil: UInt64
  }

  private let writer: TraceWriter
  /// The kernel's id of the process; 0 until it runs.
  var process: Int32 = 0
  private var indices: [UInt32: ThreadIndex] = [:]
  /// Threads that have not ended as far as is known, by serial.
  private var living: [UInt32: Entry] = [:]
  /// The serial of the living thread that has an id of the kernel's.
  private var serials: [Int32: UInt32] = [:]
  private var young: [UInt32] = []
  /// Threads whose names are still to be looked for in this round.
  private var unnamed: [UInt32] = []
  /// So many are looked at in one step at most.
  private static let youngLimit = 16
  private static let namesLimit = 256
  private static let youth: UInt64 = 30_000_000

  init(writer: TraceWriter) { self.writer = writer }

  /// The thread of the trace that a serial stands for.
  ///
  /// - Parameter name: what the thread was called when it wrote its first record, where known.
  mutating func thread(
    serial: UInt32, kernelID: Int32, name: String = "", _ clock: TickClock
  ) -> ThreadIndex {
    if let known = indices[serial] { return known }
    let now = clock.present
    if kernelID != 0, let other = serials[kernelID] {
      // The first thread outlives its program images; another id is that of a thread that has ended.
      if kernelID == process, let entry = living.removeValue(forKey: other) {
        indices[serial] = entry.index
        living[serial] = entry
        serials[kernelID] = serial
        return entry.index
      }
      end(other, at: now)
    }
    let status = ProcFile.threadStatus(process: process, thread: kernelID)
    let called = status?.name ?? name
    let age = status?.age ?? 0
    let began = Timestamp(nanoseconds: now.nanoseconds - min(now.nanoseconds, age))
    let index = writer.thread(
      ThreadDescription(kernelID: kernelID, name: called, began: began))
    indices[serial] = index
    living[serial] = Entry(
      index: index, kernelID: kernelID, name: called, began: began,
      youngUntil: now.nanoseconds + Self.youth)
    if kernelID != 0 { serials[kernelID] = serial }
    if young.count < Self.youngLimit { young.append(serial) }
    return index
  }

  /// Takes note of a thread's first record.
  mutating func noteFirstRecord(serial: UInt32, at time: Timestamp) {
    guard let began = living[serial]?.began, time < began else { return }
    living[serial]?.began = time
    if let index = living[serial]?.index { writer.beginThread(index, at: time) }
  }

  /// Looks for new names of threads that have just begun: many are named then, and may not live
  /// until the next ``poll(_:)``.
  mutating func pollYoung(_ clock: TickClock) {
    guard !young.isEmpty else { return }
    let now = clock.present.nanoseconds
    for serial in young { refreshName(serial) }
    young.removeAll { (living[$0]?.youngUntil ?? 0) < now }
  }

  /// Looks which threads have ended, and for new names of the others, some at a time.
  mutating func poll(_ clock: TickClock) {
    let now = clock.present
    for (kernelID, serial) in serials where linux_thread_exists(process, kernelID) == 0 {
      end(serial, at: now)
    }
    if unnamed.isEmpty { unnamed = Array(living.keys) }
    for serial in unnamed.suffix(Self.namesLimit) { refreshName(serial) }
    unnamed.removeLast(min(unnamed.count, Self.namesLimit))
  }

  /// Ends all threads: their process has ended.
  mutating func endAll(_ clock: TickClock) {
    let now = clock.present
    for serial in living.keys.sorted() { end(serial, at: now) }
  }

  private mutating func end(_ serial: UInt32, at time: Timestamp) {
    guard let entry = living.removeValue(forKey: serial) else { return }
    if serials[entry.kernelID] == serial { serials[entry.kernelID] = nil }
    writer.endThread(entry.index, at: time)
  }

  private mutating func refreshName(_ serial: UInt32) {
    guard let entry = living[serial], entry.kernelID != 0 else { return }
    let name = ProcFile.threadName(process: process, thread: entry.kernelID)
    guard !name.isEmpty, name != entry.name else { return }
    living[serial]?.name = name
    writer.renameThread(entry.index, to: name)
  }
}
