// How one thread hands what it makes to another one, in a ring of places that are used again.

import Glibc

/// A ring of places that one thread fills and another one uses, in the same order.
///
/// A place belongs to one of the two threads at a time. A thread that has to wait is woken when half
/// the ring is its own, not for each place: waking takes longer than filling a place does.
final class Handover: @unchecked Sendable {
  private let places: Int
  private let lock = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
  private let changed = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
  /// Places that were filled, and that were used, since the beginning.
  private var filled = 0
  private var used = 0
  /// Whether nothing more will be filled.
  private var isOver = false
  /// Whether nothing more will be used.
  private var hasEnough = false

  init(places: Int) {
    self.places = places
    pthread_mutex_init(lock, nil)
    pthread_cond_init(changed, nil)
  }

  deinit {
    pthread_mutex_destroy(lock)
    pthread_cond_destroy(changed)
    lock.deallocate()
    changed.deallocate()
  }

  private func locked<Result>(_ body: () -> Result) -> Result {
    pthread_mutex_lock(lock)
    defer { pthread_mutex_unlock(lock) }
    return body()
  }

  // MARK: The thread that fills

  /// Waits for a place to fill; nil where the other thread has enough.
  func placeToFill() -> Int? {
    locked {
      if filled - used == places {
        while filled - used > places / 2, !hasEnough { pthread_cond_wait(changed, lock) }
      }
      return hasEnough ? nil : filled % places
    }
  }

  /// Hands the place over that is to be filled next.
  func didFill() {
    locked {
      filled += 1
      if filled - used == (places + 1) / 2 { pthread_cond_signal(changed) }
    }
  }

  /// Says that nothing more follows.
  func end() {
    locked {
      isOver = true
      pthread_cond_signal(changed)
    }
  }

  // MARK: The thread that uses

  /// Waits for a place that was filled; nil where all were used and nothing follows.
  func placeToUse() -> Int? {
    locked {
      if filled == used {
        while filled - used < (places + 1) / 2, !isOver { pthread_cond_wait(changed, lock) }
      }
      return filled > used ? used % places : nil
    }
  }

  /// Gives the place back that was used last.
  func didUse() {
    locked {
      used += 1
      if filled - used == places / 2 { pthread_cond_signal(changed) }
    }
  }

  /// Says that nothing more is wanted.
  func stop() {
    locked {
      hasEnough = true
      pthread_cond_signal(changed)
    }
  }
}

/// A thread of this process that runs one function.
struct WorkerThread: @unchecked Sendable {
  private final class Work {
    let body: @Sendable () -> Void
    init(_ body: @escaping @Sendable () -> Void) { self.body = body }
  }

  private var thread = pthread_t()

  /// Starts; nil where the system has no thread to spare.
  init?(_ body: @escaping @Sendable () -> Void) {
    let work = Unmanaged.passRetained(Work(body))
    let status = pthread_create(
      &thread, nil,
      { argument in
        guard let argument else { return nil }
        Unmanaged<Work>.fromOpaque(argument).takeRetainedValue().body()
        return nil
      }, work.toOpaque())
    guard status == 0 else {
      work.release()
      return nil
    }
  }

  /// Waits until the function has returned; to be called once.
  func join() { pthread_join(thread, nil) }
}
