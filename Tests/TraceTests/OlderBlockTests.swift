// Blocks that live long: whoever frees them must find the block that began long before.

import MemoryUnits
import TestSupport
import Testing
import Trace

/// A program whose blocks end long after they began, and which of its requests a trace should tell of.
private struct OldBlocks {
  private let writer: TraceWriter
  /// For each request the allocation that it begins, or ends, by its number.
  private(set) var expected: [(isFree: Bool, allocation: Int)] = []
  private var count = 0

  init(writer: TraceWriter) { self.writer = writer }

  /// The time of a step tells its number.
  private var now: Timestamp { Timestamp(nanoseconds: UInt64(expected.count) * 1000) }

  private func address(_ allocation: Int) -> Address { Address(UInt64(allocation + 1) * 32) }

  mutating func allocate(_ number: Int) {
    for _ in 0..<number {
      writer.allocate(
        address: address(count), size: ByteCount(16), usable: ByteCount(24), alignmentShift: 0,
        stack: .unknown, thread: ThreadIndex(0), time: now)
      expected.append((false, count))
      count += 1
    }
  }

  mutating func free(_ allocation: Int) {
    writer.free(address: address(allocation), thread: ThreadIndex(0), time: now)
    expected.append((true, allocation))
  }
}

@Suite struct OlderBlockTests {
  /// How many of each 1,024 blocks survive the first round, from none to all of them.
  private static let shares = [0, 1, 2, 100, 127, 128, 129, 255, 256, 257, 600, 1023, 1024]

  /// Checks that every free of the trace is of the slot that its allocation got, and that no two
  /// blocks have a slot at the same time; frees of blocks that were lost are of no slot.
  private func check(
    _ path: String, _ expected: [(isFree: Bool, allocation: Int)], losing lost: Range<Int> = 0..<0
  ) throws {
    let file = try TraceFile(path: path)
    var slotOf: [Int: Slot] = [:]
    var taken: Set<UInt32> = []
    var index = 0
    var errors = 0
    try file.read(addresses: false) { batch in
      for request in batch {
        if index == lost.lowerBound { index = lost.upperBound }
        guard index < expected.count, request.time.nanoseconds == UInt64(index) * 1000 else {
          errors += 1
          continue
        }
        let (isFree, allocation) = expected[index]
        index += 1
        if isFree, slotOf[allocation] == nil {
          if request.operation != .freeUnknown || lost.isEmpty { errors += 1 }
        } else if isFree {
          let isRight = request.operation == .free && slotOf[allocation] == request.slot
          if !isRight || taken.remove(request.slot.rawValue) == nil { errors += 1 }
        } else {
          if request.operation != .allocate || !taken.insert(request.slot.rawValue).inserted {
            errors += 1
          }
          slotOf[allocation] = request.slot
        }
      }
    }
    #expect(errors == 0 && index == expected.count && file.isComplete == lost.isEmpty)
  }

  @Test("blocks from before a lost part are found behind it", arguments: [1, 2, 5])
  func lost(_ count: Int) throws {
    let directory = TemporaryDirectory()
    let path = directory.file("trace")
    let writer = try TraceWriter(path: path, metadata: TraceMetadata())
    var program = OldBlocks(writer: writer)
    program.allocate(200_000)
    for allocation in stride(from: 1, to: 120_000, by: 2) { program.free(allocation) }
    program.allocate(500_000)
    for allocation in stride(from: 0, to: 700_000, by: 6) { program.free(allocation) }
    try writer.finish()
    // Whole chunks of steps, the fourth and those after it.
    var bytes = contents(of: path)
    let events = chunks(of: bytes).filter { bytes[$0 + 4] == 2 }
    for chunk in events[4..<4 + count] { bytes[chunk + 70] ^= 1 }
    write(bytes, to: path)
    let steps = events.map { Int(little(bytes, $0 + 12)) }
    let first = steps[..<4].reduce(0, +)
    try check(
      path, program.expected, losing: first..<first + steps[4..<4 + count].reduce(0, +))
  }

  @Test("blocks of thin and of dense pages are found, in whatever order they end", arguments: 0..<3)
  func order(_ order: Int) throws {
    let directory = TemporaryDirectory()
    let path = directory.file("trace")
    let writer = try TraceWriter(path: path, metadata: TraceMetadata())
    var program = OldBlocks(writer: writer)
    var random = SeededRandom(seed: 11 + UInt64(order))
    let pages = 24 * Self.shares.count
    program.allocate(pages * 1024)
    var left: [Int] = []
    for page in 0..<pages {
      var blocks = Array(page * 1024..<(page + 1) * 1024)
      blocks.shuffle(using: &random)
      let survivors = Self.shares[page % Self.shares.count]
      for allocation in blocks.dropFirst(survivors) { program.free(allocation) }
      left += blocks.prefix(survivors)
    }
    // Now all of them are older than the newest blocks that a reader keeps at hand.
    program.allocate(1 << 18)
    if order == 1 { left.reverse() }
    if order == 2 { left.shuffle(using: &random) }
    for (index, allocation) in left.enumerated() {
      program.free(allocation)
      if index % 3 == 0 { program.allocate(1) }
    }
    try writer.finish()
    try check(path, program.expected)
  }
}
