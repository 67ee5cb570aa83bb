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

  private func address(_ allocation: Int) -> Address { Address(UInt64(allocation + 1) * 32) }

  mutating func allocate(_ number: Int) {
    for _ in 0..<number {
      writer.allocate(
        address: address(count), size: ByteCount(16), usable: ByteCount(24), alignmentShift: 0,
        stack: .unknown, thread: ThreadIndex(0), time: .zero)
      expected.append((false, count))
      count += 1
    }
  }

  mutating func free(_ allocation: Int) {
    writer.free(address: address(allocation), thread: ThreadIndex(0), time: .zero)
    expected.append((true, allocation))
  }
}

@Suite struct OlderBlockTests {
  /// How many of each 1,024 blocks survive the first round, from none to all of them.
  private static let shares = [0, 1, 2, 100, 127, 128, 129, 255, 256, 257, 600, 1023, 1024]

  /// Checks that every free of the trace is of the slot that its allocation got, and that no two
  /// blocks have a slot at the same time.
  private func check(_ path: String, _ expected: [(isFree: Bool, allocation: Int)]) throws {
    let file = try TraceFile(path: path)
    var slotOf: [Int: Slot] = [:]
    var taken: Set<UInt32> = []
    var index = 0
    var errors = 0
    try file.read(addresses: false) { batch in
      for request in batch {
        let (isFree, allocation) = expected[index]
        index += 1
        if isFree {
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
    #expect(errors == 0 && index == expected.count && file.isComplete)
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
