// Writing, progress, and readers that leave.

import Glibc
import Synchronization
import Terminal
import Testing

@Suite struct ConsoleTests {
  private static let plain = TerminalTraits(isTerminal: false, usesColor: false, isUnicode: true)

  @Test("everything arrives, also through a pipe smaller than the text")
  func wholeText() throws {
    var ends: [Int32] = [0, 0]
    try #require(pipe(&ends) == 0)
    let (readEnd, writeEnd) = (ends[0], ends[1])
    // Other tests start programs, which must not keep the pipe open.
    for end in ends { try #require(fcntl(end, F_SETFD, FD_CLOEXEC) == 0) }
    // A non-blocking pipe makes the writer wait for the reader by itself.
    try #require(fcntl(writeEnd, F_SETFL, O_NONBLOCK) == 0)
    let text = String(repeating: "größe 字\n", count: 40_000)
    let received = Mutex<[UInt8]>([])
    let reader = Thread {
      var buffer = [UInt8](repeating: 0, count: 5000)
      while case let count = read(readEnd, &buffer, buffer.count), count > 0 {
        received.withLock { $0 += buffer[..<count] }
      }
    }
    try Console(descriptor: writeEnd, traits: Self.plain).write(text)
    close(writeEnd)
    reader.join()
    close(readEnd)
    #expect(received.withLock { String(decoding: $0, as: UTF8.self) } == text)
  }

  @Test("a reader that left, where the signal is ignored, is an error of its own")
  func readerGone() async {
    await #expect(processExitsWith: .success) {
      signal(SIGPIPE, SIG_IGN)
      var ends: [Int32] = [0, 0]
      guard pipe(&ends) == 0 else { exit(2) }
      close(ends[0])
      let traits = TerminalTraits(isTerminal: false, usesColor: false, isUnicode: true)
      do {
        try Console(descriptor: ends[1], traits: traits).write("x")
        exit(3)
      } catch {
        exit(error as? ConsoleError == .readerGone ? 0 : 4)
      }
    }
  }

  @Test("with the signal's default effect the process ends by it, in silence")
  func brokenPipe() async {
    await #expect(processExitsWith: .signal(SIGPIPE)) {
      signal(SIGPIPE, SIG_DFL)
      var ends: [Int32] = [0, 0]
      guard pipe(&ends) == 0 else { exit(2) }
      close(ends[0])
      let traits = TerminalTraits(isTerminal: false, usesColor: false, isUnicode: true)
      try Console(descriptor: ends[1], traits: traits).write("x")
    }
  }

  @Test("a full disk is told")
  func fullDisk() throws {
    let full = open("/dev/full", O_WRONLY | O_CLOEXEC)
    try #require(full >= 0)
    defer { close(full) }
    let console = Console(descriptor: full, traits: Self.plain)
    #expect(throws: ConsoleError.failed(ENOSPC)) { try console.write("x") }
    #expect(ConsoleError.failed(ENOSPC).description.contains("space"))
    try console.write("")
  }
}

/// A thread of the system's, so that a blocked reader takes none of the test runner's.
private final class Thread {
  private var handle = pthread_t()

  init(_ body: @escaping @Sendable () -> Void) {
    let box = Unmanaged.passRetained(Box(body))
    pthread_create(
      &handle, nil,
      { argument in
        if let argument { Unmanaged<Box>.fromOpaque(argument).takeRetainedValue().body() }
        return nil
      }, box.toOpaque())
  }

  func join() { pthread_join(handle, nil) }

  private final class Box {
    let body: @Sendable () -> Void
    init(_ body: @escaping @Sendable () -> Void) { self.body = body }
  }
}

@Suite struct ProgressLineTests {
  /// A clock that is set, and what was written.
  private final class Stage: Sendable {
    private let state = Mutex<(time: UInt64, text: [String])>((0, []))

    var written: [String] { state.withLock { $0.text } }
    func advance(milliseconds: UInt64) { state.withLock { $0.time += milliseconds * 1_000_000 } }
    func now() -> UInt64 { state.withLock { $0.time } }
    func write(_ text: String) { state.withLock { $0.text.append(text) } }
  }

  private func line(
    _ stage: Stage, isTerminal: Bool = true, isQuiet: Bool = false, columns: Int = 80
  ) -> ProgressLine {
    ProgressLine(
      "Replaying", unit: "events", isQuiet: isQuiet,
      traits: TerminalTraits(
        isTerminal: isTerminal, columns: columns, usesColor: false, isUnicode: true),
      now: { stage.now() }, write: { stage.write($0) })
  }

  @Test("percent, count and rate, drawn over itself and erased")
  func content() {
    let stage = Stage()
    var line = line(stage)
    stage.advance(milliseconds: 2000)
    line.update(done: 500_000, total: 2_000_000)
    stage.advance(milliseconds: 2000)
    line.update(done: 3_000_000)
    line.finish()
    #expect(
      stage.written == [
        "\rReplaying 25%  500k events  250k events/s\u{1b}[K",
        "\rReplaying  3.00M events  750k events/s\u{1b}[K", "\r\u{1b}[K",
      ])
  }

  @Test("at most ten times a second")
  func rate() {
    let stage = Stage()
    var line = line(stage)
    for step in 0..<1000 {
      line.update(done: step, total: 1000)
      stage.advance(milliseconds: 3)
    }
    // Three seconds, drawn each time the tenth of a second is over: every 34 steps.
    #expect(stage.written.count == 30)
    line.finish()
  }

  @Test(
    "silence where nobody looks or nobody wants to hear", arguments: [(false, false), (true, true)])
  func silence(isTerminal: Bool, isQuiet: Bool) {
    let stage = Stage()
    do {
      var line = line(stage, isTerminal: isTerminal, isQuiet: isQuiet)
      line.update(done: 1, total: 2)
      stage.advance(milliseconds: 500)
      line.update(done: 2, total: 2)
      line.finish()
    }
    #expect(stage.written.isEmpty)
  }

  @Test("goes when it is dropped, once, and fits a narrow terminal")
  func dropped() {
    let stage = Stage()
    do {
      var line = line(stage, columns: 12)
      line.update(done: .max, total: 1)
    }
    #expect(stage.written.count == 2 && stage.written.last == "\r\u{1b}[K")
    #expect(stage.written.first == "\rReplaying…\u{1b}[K")
  }
}
