// The binary workloads of glibc's malloc trace utilities, by DJ Delorie.

import Trace

/// What a byte of a workload begins (glibc's dj/malloc branch, malloc/mtrace.h).
enum WorkloadCode: UInt8 {
  case nothing = 0
  case done = 1
  case malloc = 2
  case calloc = 3
  case realloc = 4
  case free = 5
  /// Says that a point was reached that another thread waits for.
  case signal = 6
  /// Waits until another thread has reached a point.
  case wait = 7
  case pointers = 8
  case points = 9
  case threads = 10
  case startThread = 11
  case memalign = 12
  case valloc = 13
  case pvalloc = 14
  case posixMemalign = 15
}

/// A place in a workload, and the numbers that stand there.
struct WorkloadCursor {
  private let bytes: [UInt8]
  private let end: Int
  var offset: Int

  init(_ bytes: [UInt8], _ range: Range<Int>) {
    self.bytes = bytes
    offset = range.lowerBound
    end = range.upperBound
  }

  mutating func code() -> WorkloadCode? {
    guard offset < end else { return nil }
    defer { offset += 1 }
    return WorkloadCode(rawValue: bytes[offset])
  }

  /// A number in groups of seven bits, high groups first, the high bit set on all bytes but the last.
  mutating func number() -> UInt64? {
    var value: UInt64 = 0
    while offset < end, value >> 57 == 0 {
      let byte = bytes[offset]
      offset += 1
      value = value << 7 | UInt64(byte & 0x7f)
      if byte < 0x80 { return value }
    }
    return nil
  }
}

extension ImportBuilder {
  /// A workload is read as a whole; these are its bytes at most.
  private static let largestWorkload = 1 << 31

  /// Reads a workload: its head, and then its threads, a little of each in turn.
  ///
  /// The order of requests of different threads is known only where one waits for another; any order
  /// that keeps this is as good as another.
  func readWorkload(_ source: ImportSource, progress: () -> Void) throws(ImportError) {
    summary.knowledge = SourceKnowledge(threads: true)
    note("a workload knows the order of requests of different threads only where one waits")
    let bytes = try wholeWorkload(source, progress)
    var head = WorkloadCursor(bytes, 0..<bytes.count)
    var starts: Set<Int> = []
    reading: while true {
      let place = head.offset
      switch head.code() {
      case .nothing: continue
      case .done: break reading
      case .pointers, .points, .threads:
        guard head.number() != nil else { throw damaged(place) }
      case .startThread:
        guard let start = head.number(), start < UInt64(bytes.count) else { throw damaged(place) }
        starts.insert(Int(start))
      default: throw damaged(place)
      }
    }
    // The threads lie one behind the other, so no byte belongs to two.
    let sorted = starts.sorted()
    let ends = sorted.dropFirst() + [bytes.count]
    try run(zip(sorted, ends).map { WorkloadCursor(bytes, $0..<$1) }, progress)
  }

  private func damaged(_ offset: Int) -> ImportError {
    .malformedBytes(
      path: sourceName, offset: UInt64(offset), expected: ImportFormat.djWorkload.example)
  }

  private func wholeWorkload(
    _ source: ImportSource, _ progress: () -> Void
  ) throws(ImportError) -> [UInt8] {
    var bytes: [UInt8] = []
    while try source.window.has(1) {
      let piece = source.window.bytes
      guard bytes.count + piece.count <= Self.largestWorkload else {
        throw .tooLarge(path: sourceName, limit: UInt64(Self.largestWorkload))
      }
      bytes.append(contentsOf: piece)
      source.window.use(piece.count)
      progress()
    }
    return bytes
  }

  /// Requests that a thread makes before it is the turn of the next.
  private static let turn = 256

  private func run(_ cursors: [WorkloadCursor], _ progress: () -> Void) throws(ImportError) {
    var threads = cursors.enumerated().map { index, cursor in
      WorkloadThread(cursor: cursor, index: thread(UInt64(index) + 1))
    }
    var points: Set<UInt64> = []
    var running = Array(threads.indices)
    while !running.isEmpty {
      progress()
      var hasMoved = false
      for index in running {
        for _ in 0..<Self.turn {
          guard threads[index].step(&points, self) else { break }
          hasMoved = true
        }
      }
      running.removeAll { threads[$0].isDone }
      guard !hasMoved, !running.isEmpty else { continue }
      // Each waits for a point that none reaches: the waiting is left out.
      for index in running {
        skip(UInt64(threads[index].cursor.offset), .malformed)
        threads[index].isReleased = true
      }
    }
  }
}

/// A thread of a workload, and how far it is.
private struct WorkloadThread {
  var cursor: WorkloadCursor
  let index: ThreadIndex
  var isDone = false
  /// Whether the next wait is left out.
  var isReleased = false

  init(cursor: WorkloadCursor, index: ThreadIndex) {
    self.cursor = cursor
    self.index = index
  }

  /// Makes the next request; false where the thread waits, or has ended.
  mutating func step(_ points: inout Set<UInt64>, _ builder: ImportBuilder) -> Bool {
    guard !isDone else { return false }
    let start = cursor.offset
    builder.summary.lines += 1
    switch cursor.code() {
    case .nothing: return true
    case .done:
      isDone = true
      return false
    case .signal:
      guard let point = cursor.number() else { break }
      points.insert(point)
      return true
    case .wait:
      guard let point = cursor.number() else { break }
      guard points.contains(point) || isReleased else {
        cursor.offset = start
        builder.summary.lines -= 1
        return false
      }
      isReleased = false
      return true
    case .none, .pointers, .points, .threads, .startThread: break
    case .some(let code):
      guard let reason = request(code, builder) else { break }
      if let reason = reason.value { builder.skip(UInt64(start), reason) }
      return true
    }
    // Nothing that follows in this thread can be understood.
    builder.skip(UInt64(start), .malformed)
    isDone = true
    return false
  }

  /// Whether a request is left out, and why.
  private struct Outcome {
    var value: SkipReason?
  }

  /// Makes a request; nil where its numbers are not there.
  private mutating func request(_ code: WorkloadCode, _ builder: ImportBuilder) -> Outcome? {
    guard let block = cursor.number() else { return nil }
    if code == .free {
      guard block != 0 else { return Outcome(value: .withoutEffect) }
      return Outcome(value: builder.free(block: block, thread: index))
    }
    guard let first = cursor.number() else { return nil }
    var size = first
    var alignment: UInt64 = 0
    if code == .realloc || code == .memalign || code == .posixMemalign {
      guard let last = cursor.number() else { return nil }
      size = last
      alignment = code == .realloc ? 0 : first
    }
    guard size <= ImportBuilder.largestSize else { return Outcome(value: .outOfRange) }
    if code == .realloc, first != 0, builder.knows(block: first) {
      return Outcome(value: resize(first, to: block, size, builder))
    }
    guard block != 0 else { return Outcome(value: .withoutEffect) }
    return Outcome(
      value: builder.allocate(
        block: block, size, alignment: alignment, stack: builder.stack(code.entry),
        thread: index))
  }

  private func resize(
    _ old: UInt64, to new: UInt64, _ size: UInt64, _ builder: ImportBuilder
  ) -> SkipReason? {
    if new == 0 { return size == 0 ? builder.free(block: old, thread: index) : .withoutEffect }
    return builder.reallocate(
      block: old, to: new, size, stack: builder.stack(.realloc), thread: index)
  }
}

extension WorkloadCode {
  /// The function that a request calls.
  fileprivate var entry: EntryPoint {
    switch self {
    case .malloc: .malloc
    case .calloc: .calloc
    case .realloc: .realloc
    case .memalign: .memalign
    case .valloc: .valloc
    case .pvalloc: .pvalloc
    case .posixMemalign: .posixMemalign
    default: .unknown
    }
  }
}
