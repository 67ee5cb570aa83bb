// The thread that packs chunks while the next are being filled.

import Glibc

/// Packs and writes chunks in the order in which they are submitted.
///
/// Beside a program that is being recorded it takes what processors would idle away. Where that is
/// not enough it takes a twentieth of a processor like any other thread, and what that is not enough
/// for is written as it is.
///
/// All state is behind one lock; the file belongs to the thread while chunks are under way.
final class PackingThread: @unchecked Sendable {
  /// So many chunks may wait: some tens of MiB.
  static let most = 32
  /// So many may wait for an idle processor.
  static let mostForIdle = 4
  /// `SCHED_IDLE` of the kernel: any thread may choose it, and leave it again.
  private static let idlePolicy: Int32 = 5

  private let file: ChunkFile
  private let lock = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
  private let changed = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
  private var waiting: [RawChunk] = []
  /// The memory of chunks that were written, for others.
  private var spare: [[UInt8]] = []
  private var isPacking = false
  private var isStopping = false
  private let waitsForIdle: Bool
  /// Whether the thread has an ordinary right to a processor although it waits for idle ones.
  private var isUrgent = false
  /// Whether what waits has waited too long.
  private var isBehind = false
  private let began = PackingThread.nanoseconds(CLOCK_MONOTONIC)
  /// Nanoseconds of a processor that chunks took which were packed while others waited too long.
  private var taken: UInt64 = 0
  private var thread = pthread_t()
  private var firstFailure: TraceError?

  init?(_ file: ChunkFile, waitsForIdle: Bool) {
    self.file = file
    self.waitsForIdle = waitsForIdle
    pthread_mutex_init(lock, nil)
    pthread_cond_init(changed, nil)
    let own = Unmanaged.passRetained(self)
    let status = pthread_create(
      &thread, nil,
      { argument in
        guard let argument else { return nil }
        Unmanaged<PackingThread>.fromOpaque(argument).takeRetainedValue().run()
        return nil
      }, own.toOpaque())
    guard status == 0 else {
      own.release()
      return nil
    }
    if waitsForIdle { setPolicy(Self.idlePolicy) }
  }

  deinit {
    pthread_mutex_destroy(lock)
    pthread_cond_destroy(changed)
    lock.deallocate()
    changed.deallocate()
  }

  var failure: TraceError? {
    pthread_mutex_lock(lock)
    defer { pthread_mutex_unlock(lock) }
    return firstFailure
  }

  /// Memory for the bytes of a chunk: new memory costs a page fault for every page of it.
  func memory() -> [UInt8] {
    pthread_mutex_lock(lock)
    defer { pthread_mutex_unlock(lock) }
    return spare.popLast() ?? []
  }

  /// Hands a chunk over; waits while too many are under way.
  func submit(_ chunk: RawChunk) {
    pthread_mutex_lock(lock)
    while waiting.count >= Self.most { pthread_cond_wait(changed, lock) }
    waiting.append(chunk)
    if waitsForIdle, waiting.count > Self.mostForIdle {
      isBehind = true
      hasten()
    }
    pthread_cond_broadcast(changed)
    pthread_mutex_unlock(lock)
  }

  /// Gives the thread an ordinary right to a processor until nothing waits any more.
  private func hasten() {
    guard waitsForIdle, !isUrgent else { return }
    isUrgent = true
    setPolicy(SCHED_OTHER)
  }

  /// Where the kernel refuses, things stay as they are, which costs time and nothing else.
  private func setPolicy(_ policy: Int32) {
    var parameters = sched_param()
    _ = pthread_setschedparam(thread, policy, &parameters)
  }

  /// What ``ChunkFile/bytes(through:)`` says of a chunk that is written.
  func bytes(through number: Int) -> Int {
    pthread_mutex_lock(lock)
    defer { pthread_mutex_unlock(lock) }
    return file.bytes(through: number)
  }

  /// Waits until everything submitted is in the file.
  func drain() {
    pthread_mutex_lock(lock)
    if isPacking || !waiting.isEmpty { hasten() }
    while isPacking || !waiting.isEmpty { pthread_cond_wait(changed, lock) }
    pthread_mutex_unlock(lock)
  }

  /// Ends the thread after what was submitted.
  func stop() {
    pthread_mutex_lock(lock)
    isStopping = true
    hasten()
    pthread_cond_broadcast(changed)
    pthread_mutex_unlock(lock)
    pthread_join(thread, nil)
  }

  private func relax() {
    isUrgent = false
    isBehind = false
    setPolicy(Self.idlePolicy)
  }

  private var mayTakeMore: Bool {
    (Self.nanoseconds(CLOCK_MONOTONIC) - began) / 20 > taken
  }

  private static func nanoseconds(_ clock: Int32) -> UInt64 {
    var now = timespec()
    clock_gettime(clock, &now)
    return UInt64(now.tv_sec) * 1_000_000_000 + UInt64(now.tv_nsec)
  }

  private func run() {
    pthread_mutex_lock(lock)
    while true {
      while waiting.isEmpty, !isStopping { pthread_cond_wait(changed, lock) }
      guard !waiting.isEmpty else { break }
      var chunk = waiting.removeFirst()
      let wasBehind = isBehind
      let isLate = wasBehind && !mayTakeMore
      chunk.isHurried = isLate && chunk.header.kind == ChunkKind.events.rawValue
      isPacking = true
      pthread_cond_broadcast(changed)
      pthread_mutex_unlock(lock)
      let start = Self.nanoseconds(CLOCK_THREAD_CPUTIME_ID)
      // Without a keyframe reading only takes longer.
      if chunk.keyframe == nil || !isLate { file.write(chunk) }
      let cost = Self.nanoseconds(CLOCK_THREAD_CPUTIME_ID) - start
      pthread_mutex_lock(lock)
      if wasBehind { taken += cost }
      if spare.count < Self.mostForIdle {
        spare.append([])
        swap(&spare[spare.count - 1], &chunk.bytes)
        spare[spare.count - 1].removeAll(keepingCapacity: true)
      }
      file.noteProgress()
      isPacking = false
      firstFailure = file.failure
      if waiting.isEmpty, isUrgent { relax() }
      pthread_cond_broadcast(changed)
    }
    pthread_mutex_unlock(lock)
  }
}
