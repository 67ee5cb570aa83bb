// The thread that packs chunks while the next are being filled.

import Glibc

/// Packs and writes chunks in the order in which they are submitted.
///
/// All state is behind one lock; the file belongs to the thread while chunks are under way.
final class PackingThread: @unchecked Sendable {
  /// So many chunks may wait: some tens of MiB.
  static let most = 32

  private let file: ChunkFile
  private let lock = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
  private let changed = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
  private var waiting: [RawChunk] = []
  private var isPacking = false
  private var isStopping = false
  private var thread = pthread_t()
  private var firstFailure: TraceError?

  init?(_ file: ChunkFile) {
    self.file = file
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

  /// Hands a chunk over; waits while too many are under way.
  func submit(_ chunk: RawChunk) {
    pthread_mutex_lock(lock)
    while waiting.count >= Self.most { pthread_cond_wait(changed, lock) }
    waiting.append(chunk)
    pthread_cond_broadcast(changed)
    pthread_mutex_unlock(lock)
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
    while isPacking || !waiting.isEmpty { pthread_cond_wait(changed, lock) }
    pthread_mutex_unlock(lock)
  }

  /// Ends the thread after what was submitted.
  func stop() {
    pthread_mutex_lock(lock)
    isStopping = true
    pthread_cond_broadcast(changed)
    pthread_mutex_unlock(lock)
    pthread_join(thread, nil)
  }

  private func run() {
    pthread_mutex_lock(lock)
    while true {
      while waiting.isEmpty, !isStopping { pthread_cond_wait(changed, lock) }
      guard !waiting.isEmpty else { break }
      let chunk = waiting.removeFirst()
      isPacking = true
      pthread_cond_broadcast(changed)
      pthread_mutex_unlock(lock)
      file.write(chunk)
      pthread_mutex_lock(lock)
      file.noteProgress()
      isPacking = false
      firstFailure = file.failure
      pthread_cond_broadcast(changed)
    }
    pthread_mutex_unlock(lock)
  }
}
