// Decoding on a second processor, some batches ahead of whoever uses the steps.

import CProcessor

/// A thread that decodes, and a ring of batches between it and the thread that reads.
///
/// The look-ahead is bounded: eight batches of 4096 steps, some two MiB.
final class DecodeAhead: @unchecked Sendable {
  /// Fewer steps are decoded before a thread has started.
  static let fewSteps: UInt64 = 1 << 15
  private static let ring = 8

  /// Whether a second thread would run at the same time.
  static var isWorthwhile: Bool { processor_count() > 1 }

  private struct Batch {
    var count = 0
    var tally = EventReader.Tally()
  }

  private let reader: EventReader
  private let handover = Handover(places: DecodeAhead.ring)
  private let requests = UnsafeMutablePointer<Request>.allocate(
    capacity: DecodeAhead.ring * EventReader.batch)
  private let batches = UnsafeMutablePointer<Batch>.allocate(capacity: DecodeAhead.ring)
  /// What the thread that decodes leaves behind; read after it has ended.
  private var failure: TraceError?
  private var damage: [TraceDamage] = []
  private var thread: WorkerThread?

  /// Starts to decode; nil where the system has no thread to spare.
  init?(_ reader: EventReader) {
    self.reader = reader
    batches.initialize(repeating: Batch(), count: Self.ring)
    thread = WorkerThread { [self] in run() }
    if thread == nil { return nil }
  }

  deinit {
    requests.deallocate()
    batches.deallocate()
  }

  // MARK: The thread that reads

  /// Calls `body` with each batch until it has enough; afterwards the thread has ended.
  ///
  /// To be called once.
  func read(
    _ damage: inout [TraceDamage],
    _ body: (UnsafeBufferPointer<Request>, EventReader.Tally) throws -> Bool
  ) throws {
    do {
      defer {
        handover.stop()
        thread?.join()
        damage += self.damage
      }
      while let place = handover.placeToUse() {
        let batch = UnsafeBufferPointer(
          start: requests + place * EventReader.batch, count: batches[place].count)
        guard try body(batch, batches[place].tally) else { return }
        handover.didUse()
      }
    }
    if let failure { throw failure }
  }

  // MARK: The thread that decodes

  private func run() {
    var next = 0
    do {
      try reader.decode(&damage, loadsAhead: true) {
        handover.placeToFill().map { place in
          next = place
          return requests + place * EventReader.batch
        }
      } deliver: { count, tally in
        batches[next] = Batch(count: count, tally: tally)
        handover.didFill()
      }
    } catch {
      failure = error
    }
    handover.end()
  }
}
