// Offline packings against instances whose optimum is known, and against overlaps found by looking.

import Allocators
import Foundation
import MemoryUnits
import TestSupport
import Testing

/// A block whose life and size are known.
struct TimedBlock: Equatable {
  var life: Range<Int>
  var size: Int
  var alignment = 1
}

@Suite struct PackingTests {
  private static let environment = ProcessInfo.processInfo.environment

  /// A solution in bytes; places in the order of the blocks.
  struct Solution {
    var load: Int
    var height: Int
    var places: [Int?]
  }

  /// Packs blocks, which may come in any order.
  static func pack(_ blocks: [TimedBlock], _ packingOrder: PackingOrder) -> Solution {
    var problem = PackingProblem()
    let order = blocks.indices.sorted { blocks[$0].life.lowerBound < blocks[$1].life.lowerBound }
    var live: [(end: Int, number: UInt32)] = []
    for index in order {
      let block = blocks[index]
      for ended in live where ended.end <= block.life.lowerBound { problem.end(ended.number) }
      live.removeAll { $0.end <= block.life.lowerBound }
      let number = problem.begin(
        size: ByteCount(block.size), alignment: ByteCount(block.alignment))
      if let number { live.append((block.life.upperBound, number)) }
    }
    for ended in live { problem.end(ended.number) }
    let packing = problem.pack(packingOrder)
    var solution = Solution(load: problem.load * 16, height: packing.height * 16, places: [])
    solution.places = Array(repeating: nil, count: blocks.count)
    for (number, index) in order.enumerated() { solution.places[index] = packing[number] }
    return solution
  }

  /// The most bytes that live at a time, each block rounded up to 16, by adding them up.
  static func naiveLoad(_ blocks: [TimedBlock]) -> Int {
    blocks.map { moment in
      blocks.filter { $0.life.contains(moment.life.lowerBound) }
        .reduce(0) { $0 + NaiveFitHeap.up(max($1.size, 1), 16) }
    }.max() ?? 0
  }

  /// What is wrong with a packing, by comparing all pairs.
  static func faults(_ solution: Solution, _ blocks: [TimedBlock]) -> [String] {
    var faults: [String] = []
    var placed: [(place: Range<Int>, block: TimedBlock)] = []
    for (index, block) in blocks.enumerated() {
      guard let granule = solution.places[index] else {
        faults.append("block \(index) has no place")
        continue
      }
      let place = granule * 16..<granule * 16 + NaiveFitHeap.up(max(block.size, 1), 16)
      if place.lowerBound % block.alignment != 0 { faults.append("block \(index) is not aligned") }
      for other in placed
      where other.place.overlaps(place) && other.block.life.overlaps(block.life) {
        faults.append("block \(index) overlaps another")
      }
      placed.append((place, block))
    }
    let top = placed.map(\.place.upperBound).max() ?? 0
    if top != solution.height { faults.append("the height is \(top)") }
    if solution.load != naiveLoad(blocks) { faults.append("the load is \(naiveLoad(blocks))") }
    return faults
  }

  /// A rectangle cut into blocks again and again: the load is full at all times, and so is the
  /// optimum.
  static func cutRectangle(
    _ random: inout SeededRandom, time: Int, granules: Int, cuts: Int
  ) -> [TimedBlock] {
    var pieces = [(life: 0..<time, place: 0..<granules)]
    for _ in 0..<cuts {
      let index = Int.random(in: 0..<pieces.count, using: &random)
      let piece = pieces[index]
      if Bool.random(using: &random), piece.life.count > 1 {
        let at = Int.random(in: piece.life.lowerBound + 1..<piece.life.upperBound, using: &random)
        pieces[index].life = piece.life.lowerBound..<at
        pieces.append((at..<piece.life.upperBound, piece.place))
      } else if piece.place.count > 1 {
        let at = Int.random(in: piece.place.lowerBound + 1..<piece.place.upperBound, using: &random)
        pieces[index].place = piece.place.lowerBound..<at
        pieces.append((piece.life, at..<piece.place.upperBound))
      }
    }
    return pieces.map { TimedBlock(life: $0.life, size: $0.place.count * 16) }
  }

  @Test("finds the optimum of recursively cut rectangles, or stays close to it")
  func tightInstances() {
    for seed in 0..<8 {
      var random = SeededRandom(seed: UInt64(seed))
      let cuts = [4, 8, 12, 16, 20, 24, 60, 100][seed]
      let blocks = Self.cutRectangle(&random, time: 1000, granules: 500, cuts: cuts)
      let solution = Self.pack(blocks, .best)
      #expect(solution.load == 8000)
      #expect(Self.faults(solution, blocks) == [])
      #expect(solution.height <= (cuts <= 24 ? 8000 : 8800), "seed \(seed)")
    }
  }

  @Test("never lets two blocks overlap, whatever the order", arguments: PackingOrder.allCases)
  func noOverlap(order: PackingOrder) {
    for seed in 0..<(order == .best ? 5 : 300) {
      var random = SeededRandom(seed: UInt64(seed))
      let count = order == .best ? 12 : 1 + seed
      let blocks = (0..<count).map { _ in
        let begin = Int.random(in: 0..<500, using: &random)
        let length = Int.random(in: 1...(Bool.random(using: &random) ? 10 : 400), using: &random)
        let isAligned = Int.random(in: 0..<8, using: &random) == 0
        return TimedBlock(
          life: begin..<begin + length, size: Int.random(in: 0...2000, using: &random),
          alignment: isAligned ? 1 << Int.random(in: 0..<13, using: &random) : 1)
      }
      let solution = Self.pack(blocks, order)
      #expect(Self.faults(solution, blocks) == [], "seed \(seed)")
      #expect(solution.height >= solution.load)
    }
  }

  /// The height that every order of placing each block at its lowest free gap reaches at the least:
  /// some such order is optimal, as any packing can be pushed down.
  private static func optimum(_ blocks: [TimedBlock]) -> Int {
    var best = Int.max
    func place(_ rest: [TimedBlock], _ placed: [(Range<Int>, TimedBlock)], _ height: Int) {
      guard height < best else { return }
      if rest.isEmpty { best = height }
      for index in rest.indices {
        var others = rest
        let block = others.remove(at: index)
        let conflicts = placed.filter { $0.1.life.overlaps(block.life) }
        var start = 0
        while conflicts.contains(where: { $0.0.overlaps(start..<start + block.size) }) {
          start += 16
        }
        let end = start + block.size
        place(others, placed + [(start..<end, block)], max(height, end))
      }
    }
    place(blocks, [], 0)
    return best
  }

  @Test("finds the optimum of all small instances that were tried")
  func smallInstances() {
    var aboveLoad = 0
    for seed in 0..<30 {
      var random = SeededRandom(seed: UInt64(1000 + seed))
      let blocks = (0..<6).map { _ in
        let begin = Int.random(in: 0..<8, using: &random)
        let end = begin + Int.random(in: 1...5, using: &random)
        return TimedBlock(life: begin..<end, size: 16 * Int.random(in: 1...5, using: &random))
      }
      let solution = Self.pack(blocks, .best)
      let optimum = Self.optimum(blocks)
      #expect(Self.faults(solution, blocks) == [], "seed \(seed)")
      #expect(solution.height == optimum, "seed \(seed)")
      if optimum > solution.load { aboveLoad += 1 }
    }
    print("the optimum lies above the load in \(aboveLoad) of 30 instances")
  }

  @Test("plans no block that is out of all proportion, and places all the others")
  func hugeBlocks() {
    let large = 1 << 35
    let blocks = [
      TimedBlock(life: 0..<10, size: large), TimedBlock(life: 0..<10, size: 100),
      TimedBlock(life: 1..<10, size: large), TimedBlock(life: 2..<10, size: 1 << 41),
      TimedBlock(life: 3..<10, size: 1, alignment: 1 << 40), TimedBlock(life: 4..<10, size: 64),
    ]
    for order in PackingOrder.allCases where order != .best {
      let solution = Self.pack(blocks, order)
      #expect(solution.places[3] == nil && solution.places[4] == nil)
      #expect(solution.places.filter { $0 != nil }.count == 3)
    }
  }

  @Test("packs the public instances of MiniMalloc to within a tenth of the load")
  func miniMalloc() throws {
    guard let directory = Self.environment["LACUNA_MINIMALLOC"] else {
      print("LACUNA_MINIMALLOC names no directory: the instances of MiniMalloc are NOT TESTED")
      return
    }
    var tight = 0
    for letter in "ABCDEFGHIJK" {
      let text = try String(contentsOfFile: "\(directory)/\(letter).1048576.csv", encoding: .utf8)
      let blocks = text.split(separator: "\n").dropFirst().map { line in
        let fields = line.split(separator: ",").compactMap { Int($0) }
        return TimedBlock(life: fields[1]..<fields[2], size: fields[3])
      }
      let solution = Self.pack(blocks, .best)
      if solution.load == 1_048_576 { tight += 1 }
      #expect(Self.faults(solution, blocks) == [])
      let ratio = Double(solution.height) / Double(solution.load)
      print("\(letter): \(blocks.count) blocks, load \(solution.load), height \(ratio)")
      #expect(ratio <= 1.1, "\(letter)")
    }
    #expect(tight == 8)
  }
}
