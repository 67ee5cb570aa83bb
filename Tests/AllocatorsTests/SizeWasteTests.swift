// What rounding up to the sizes of a family wastes: closed forms, and what follows from them.

import Allocators
import Glibc
import MemoryUnits
import TestSupport
import Testing

@Suite struct SizeWasteTests {
  /// The share of the granted bytes that was not asked for, one block at a time.
  struct Waste: HeapVisitor {
    let sizes: [Int]

    mutating func visit<H: Heap & ~Copyable>(_ made: consuming H) -> Double {
      var heap = made
      var granted = 0
      for size in sizes {
        let placement = heap.allocate(BlockRequest(size: ByteCount(size)))
        granted += placement.granted.int
        heap.free(placement)
      }
      return 1 - Double(sizes.reduce(0, +)) / Double(granted)
    }
  }

  static func waste(_ heap: String, _ sizes: [Int]) throws -> Double {
    var visitor = Waste(sizes: sizes)
    return try #require(try HeapSpecification(parsing: heap).kind.build(&visitor))
  }

  static let golden = (1 + 5.0.squareRoot()) / 2

  /// A heap, the sizes that it is asked for, and the waste that the closed form gives.
  struct Case: Sendable, CustomStringConvertible {
    var heap: String
    var sizes: ClosedRange<Int>
    var waste: Double
    var description: String { heap }

    init(_ heap: String, _ sizes: ClosedRange<Int>, _ waste: Double) {
      (self.heap, self.sizes, self.waste) = (heap, sizes, waste)
    }
  }

  /// For q equal steps from each power of two to the next: half a step of the size is lost, and over
  /// one doubling that is 1/(2q) of (3q+1)/(2q).
  static func uniformWaste(steps: Double) -> Double { 1 / (3 * steps + 1) }

  static let fibonacciWaste: Double = (golden - 1) * (golden - 1) / 2
  static let uniformCases: [Case] = [
    Case("buddy(min=1)", 1...32768, uniformWaste(steps: 1)),
    Case("fibonacci-buddy(min=1)", 1...28657, fibonacciWaste),
    Case("weighted-buddy(min=1)", 1...32768, uniformWaste(steps: 2)),
    Case("double-buddy(min=1)", 1...32768, uniformWaste(steps: 2)),
    Case("segregated(classes=powers)", 1...32768, uniformWaste(steps: 1)),
    Case("segregated(classes=4-per-doubling)", 1...32768, uniformWaste(steps: 4)),
    Case("segregated(classes=8-per-doubling)", 1...32768, uniformWaste(steps: 8)),
    Case("slab(classes=8-per-doubling)", 1...32768, uniformWaste(steps: 8)),
    Case("segregated(classes=mimalloc)", 1...131_072, uniformWaste(steps: 4)),
  ]

  @Test("wastes what the closed form says of uniform sizes", arguments: uniformCases)
  func uniform(expected: Case) throws {
    let waste = try Self.waste(expected.heap, Array(expected.sizes))
    #expect(abs(waste - expected.waste) < 0.002, "\(waste)")
  }

  /// Over one cycle of classes at these multiples of its beginning, the last of them the end.
  static func logUniformWaste(_ classes: [Double]) -> Double {
    var below = 1.0
    var granted = 0.0
    for size in classes {
      granted += size * log(size / below)
      below = size
    }
    return 1 - (below - 1) / granted
  }

  static let fibonacciLogWaste: Double = 1 - (1 - 1 / golden) / log(golden)
  static let eighths: [Double] = (1...8).map { 1 + Double($0) / 8 }
  static let logUniformCases: [Case] = [
    Case("buddy(min=1)", 1024...32768, logUniformWaste([2])),
    Case("fibonacci-buddy(min=1)", 987...28657, fibonacciLogWaste),
    Case("weighted-buddy(min=1)", 1024...32768, logUniformWaste([1.5, 2])),
    Case("double-buddy(min=1)", 1024...32768, logUniformWaste([1.5, 2])),
    Case("segregated(classes=powers)", 1024...32768, logUniformWaste([2])),
    Case(
      "segregated(classes=4-per-doubling)", 1024...32768, logUniformWaste([1.25, 1.5, 1.75, 2])),
    Case("segregated(classes=8-per-doubling)", 1024...32768, logUniformWaste(eighths)),
  ]

  @Test("has the closed forms that are published")
  func publishedForms() {
    let published = [0.279, 0.206, 0.155, 0.155, 0.279, 0.082, 0.042]
    for (expected, value) in zip(Self.logUniformCases, published) {
      #expect(abs(expected.waste - value) < 0.001, "\(expected)")
    }
    #expect(abs(Self.logUniformWaste([2]) - (1 - 1 / (2 * log(2)))) < 1e-9)
    #expect(abs(Self.fibonacciWaste - 0.191) < 0.0005)
  }

  @Test("wastes what the closed form says of log-uniform sizes", arguments: logUniformCases)
  func logUniform(expected: Case) throws {
    let count = 40_000
    let (from, to) = (Double(expected.sizes.lowerBound), Double(expected.sizes.upperBound))
    let sizes: [Int] = (0..<count).map { step in
      let share = (Double(step) + 0.5) / Double(count)
      return Int((from * pow(to / from, share)).rounded(.up))
    }
    let waste = try Self.waste(expected.heap, sizes)
    #expect(abs(waste - expected.waste) < 0.002, "\(waste)")
  }

  @Test("wastes 1 - ln 2 of binary blocks on exponential sizes", arguments: [3000.0, 5000, 9000])
  func exponential(mean: Double) throws {
    let count = 40_000
    let sizes: [Int] = (0..<count).map { step in
      Int((-mean * log((Double(step) + 0.5) / Double(count))).rounded(.up))
    }
    #expect(abs(try Self.waste("buddy(min=1)", sizes) - (1 - log(2))) < 0.002)
  }

  /// Blocks that go at random, each followed by another: the bytes that the heap needed in the end, for
  /// each byte that was live on average.
  struct SteadyState: HeapVisitor {
    let isExponential: Bool
    let mean: Int
    let blockCount: Int
    let seed: UInt64

    mutating func visit<H: Heap & ~Copyable>(_ made: consuming H) -> Double {
      var heap = made
      var random = SeededRandom(seed: seed)
      var blocks: [Placement] = []
      var held = 0
      for _ in 0..<(blockCount * 50) {
        if blocks.count == blockCount {
          heap.free(blocks.remove(at: Int.random(in: 0..<blockCount, using: &random)))
        }
        let share = Double.random(in: 0x1p-53..<1, using: &random)
        let size =
          isExponential
          ? Int((-Double(mean) * log(share)).rounded(.up)) : Int(share * 2 * Double(mean)) + 1
        blocks.append(heap.allocate(BlockRequest(size: ByteCount(size))))
        for change in heap.heldChanges { held += change.range.byteCount.int }
        heap.heldChanges = []
      }
      return Double(held) / Double(blockCount * mean)
    }
  }

  /// The total memory of weighted buddies for each byte of binary ones.
  func weightedOverBinary(isExponential: Bool, blocks: Int, seeds: Int) throws -> Double {
    var totals = (weighted: 0.0, binary: 0.0)
    for seed in 0..<seeds {
      var state = SteadyState(
        isExponential: isExponential, mean: 64, blockCount: blocks, seed: UInt64(seed))
      let weighted = try HeapSpecification(parsing: "weighted-buddy(min=1,growth=1)")
      let binary = try HeapSpecification(parsing: "buddy(min=1,growth=1)")
      totals.weighted += try #require(weighted.kind.build(&state))
      totals.binary += try #require(binary.kind.build(&state))
    }
    return totals.weighted / totals.binary
  }

  // Shen & Peterson, CACM 17(10) 1974: in total, inside and between blocks, weighted buddies take
  // less memory for exponential sizes, binary ones for uniform sizes. The first holds in memory for
  // hundreds of blocks, the second (with sizes up to a power of two) in memory for a few dozen; where
  // there are very many blocks, what is lost inside them decides, and weighted buddies take less.
  @Test("weighted buddies take less for exponential sizes, binary ones for uniform sizes")
  func shenAndPeterson() throws {
    #expect(try weightedOverBinary(isExponential: true, blocks: 300, seeds: 10) < 0.98)
    #expect(try weightedOverBinary(isExponential: false, blocks: 30, seeds: 60) > 1.02)
    #expect(try weightedOverBinary(isExponential: false, blocks: 1500, seeds: 2) < 0.98)
  }
}
