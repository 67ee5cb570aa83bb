// An interrupted export leaves no half of a file behind.

import Glibc

/// Holds back the signals that end a program until a file that is being written can be removed.
///
/// Whoever reads a trace calls ``check()`` now and then.
final class Interruption {
  /// What is to be removed; nil where nothing is half written.
  var unfinished: String?
  private var held = sigset_t()
  private var before = sigset_t()
  private let signals: [Int32]

  /// Holds the signals back from now on, but for those that are ignored.
  init() {
    signals = [SIGINT, SIGTERM, SIGHUP].filter { signal in
      var action = sigaction()
      return sigaction(signal, nil, &action) == 0
        && unsafeBitCast(action.__sigaction_handler.sa_handler, to: Int.self)
          != unsafeBitCast(SIG_IGN, to: Int.self)
    }
    sigemptyset(&held)
    for signal in signals { sigaddset(&held, signal) }
    pthread_sigmask(SIG_BLOCK, &held, &before)
  }

  deinit { pthread_sigmask(SIG_SETMASK, &before, nil) }

  /// Where a signal came, removes the unfinished file and lets the signal do its work.
  func check() {
    var pending = sigset_t()
    guard sigpending(&pending) == 0,
      signals.contains(where: { sigismember(&pending, $0) == 1 })
    else { return }
    if let unfinished { unlink(unfinished) }
    pthread_sigmask(SIG_SETMASK, &before, nil)
  }
}
