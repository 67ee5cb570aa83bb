// Decoding on a second processor, some batches ahead of whoever uses the steps.

import CProcessor
import Glibc

/// A thread that decodes, and a ring of batches between it and the thread that reads.
///
/// The look-ahead is bounded: eight batches of 4096 steps, some two MiB. All state is behind one
/// lock; the memory of a batch belongs to one of the threads at a time.
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
  private let lock = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
  private let changed = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
  private let requests = UnsafeMutablePointer<Request>.allocate(
    capacity: DecodeAhead.ring * EventReader.batch)
  private var batches = [Batch](repeating: Batch(), count: DecodeAhead.ring)
  /// Batches that were decoded, and that were used, since the beginning.
  private var decoded = 0
  private var used = 0
  private var hasEnough = false
  private var isDone = false
  private var failure: TraceError?
  private var damage: [TraceDamage] = []
  private var thread = pthread_t()

  /// Starts to decode; nil where the system has no thread to spare.
  init?(_ reader: EventReader) {
    self.reader = reader
    pthread_mutex_init(lock, nil)
    pthread_cond_init(changed, nil)
    let own = Unmanaged.passRetained(self)
    let status = pthread_create(
      &thread, nil,
      { argument in
        guard let argument else { return nil }
        Unmanaged<DecodeAhead>.fromOpaque(argument).takeRetainedValue().run()
        return nil
      }, own.toOpaque())
    guard status == 0 else {
      own.release()
      return nil
    }
  }

  deinit {
    pthread_mutex_destroy(lock)
    pthread_cond_destroy(changed)
    lock.deallocate()
    changed.deallocate()
    requests.deallocate()
  }

  // MARK: The thread that reads

  /// Calls `body` with each batch until it has enough; afterwards the thread has ended.
  ///
  /// To be called once.
  func read(
    _ damage: inout [TraceDamage],
    _ body: (UnsafeBufferPointer<Request>, EventReader.Tally) throws -> Bool
  ) throws {
    defer {
      stop()
      damage += self.damage
    }
    while let (batch, tally) = next() {
      guard try body(batch, tally) else { return }
      giveBack()
    }
    if let failure { throw failure }
  }

  private func next() -> (UnsafeBufferPointer<Request>, EventReader.Tally)? {
    pthread_mutex_lock(lock)
    defer { pthread_mutex_unlock(lock) }
    while decoded == used, !isDone { pthread_cond_wait(changed, lock) }
    guard decoded > used else { return nil }
    let place = used % Self.ring
    let start = requests + place * EventReader.batch
    return (UnsafeBufferPointer(start: start, count: batches[place].count), batches[place].tally)
  }

  private func giveBack() {
    pthread_mutex_lock(lock)
    used += 1
    // The other thread waits only where the ring was full.
    if decoded - used == Self.ring - 1 { pthread_cond_signal(changed) }
    pthread_mutex_unlock(lock)
  }

  private func stop() {
    pthread_mutex_lock(lock)
    hasEnough = true
    pthread_cond_broadcast(changed)
    pthread_mutex_unlock(lock)
    pthread_join(thread, nil)
  }

  // MARK: The thread that decodes

  private func run() {
    var found: [TraceDamage] = []
    var problem: TraceError?
    do {
      try reader.decode(&found, room: room, deliver: deliver)
    } catch {
      problem = error
    }
    pthread_mutex_lock(lock)
    failure = problem
    damage = found
    isDone = true
    pthread_cond_broadcast(changed)
    pthread_mutex_unlock(lock)
  }

  private func room() -> UnsafeMutablePointer<Request>? {
    pthread_mutex_lock(lock)
    defer { pthread_mutex_unlock(lock) }
    while decoded - used == Self.ring, !hasEnough { pthread_cond_wait(changed, lock) }
    return hasEnough ? nil : requests + decoded % Self.ring * EventReader.batch
  }

  private func deliver(_ count: Int, _ tally: EventReader.Tally) {
    pthread_mutex_lock(lock)
    batches[decoded % Self.ring] = Batch(count: count, tally: tally)
    decoded += 1
    // The other thread waits only where the ring was empty.
    if decoded - used == 1 { pthread_cond_signal(changed) }
    pthread_mutex_unlock(lock)
  }
}
