// How the traced program learns that its recorder has died.

import CaptureABI
import Glibc

/// A robust mutex in the shared memory, held by the recording thread.
///
/// When a thread dies that holds one, by SIGKILL too, the kernel says so in the mutex itself
/// (futex(2), "robust futexes"). So the program looks into memory, and needs none of the system
/// calls about other processes that a sandbox forbids.
struct RecorderLife {
  private let mutex: UnsafeMutablePointer<pthread_mutex_t>

  /// Begins the life of the recorder: the calling thread stays until ``end()``.
  ///
  /// - Parameter header: that of the segment, which has a place for it.
  init(_ header: UnsafeMutablePointer<lacuna_header>) throws(RecorderError) {
    mutex = UnsafeMutableRawPointer(lacuna_recorder_life(header))
      .assumingMemoryBound(to: pthread_mutex_t.self)
    var attributes = pthread_mutexattr_t()
    pthread_mutexattr_init(&attributes)
    defer { pthread_mutexattr_destroy(&attributes) }
    pthread_mutexattr_setpshared(&attributes, Int32(PTHREAD_PROCESS_SHARED))
    pthread_mutexattr_setrobust(&attributes, Int32(PTHREAD_MUTEX_ROBUST))
    pthread_mutex_init(mutex, &attributes)
    let status = pthread_mutex_lock(mutex)
    guard status == 0 else { throw .system("cannot say that the recorder lives", status) }
  }

  /// Ends it without the signs of a death.
  func end() {
    pthread_mutex_unlock(mutex)
    pthread_mutex_destroy(mutex)
  }
}
