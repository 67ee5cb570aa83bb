// Packings of few blocks: the lowest line of the skyline takes the block that fits it best.

internal import MemoryUnits

/// Fills the skyline from below.
///
/// The lowest line of the skyline (of several the earliest) takes, of the blocks whose whole life
/// lies within it, the one of highest rank; when there is none the line rises to the lower of its
/// neighbours. That is the best fit of Burke, Kendall & Whitwell (Operations Research 52(4), 2004)
/// with fixed times, as Sekiyama et al. (arXiv 1804.10001, 2018) use it for the memory of neural
/// nets.
struct LinePacker: ~Copyable {
  /// Stands for no place yet.
  private static let none = -1

  let count: Int
  private var ends: [Int] = []
  private var sizes: [Int] = []
  private var masks: [Int] = []
  private var ranks: [Int]
  private(set) var places: [Int]
  /// Lines: the first moment of each, and its height.
  private var starts: [Int] = []
  private var heights: [Int] = []
  private(set) var looks = 0

  init(_ problem: borrowing PackingProblem) {
    count = problem.count
    places = Array(repeating: Self.none, count: count)
    ranks = Array(repeating: .max, count: count)
    for block in 0..<count {
      ends.append(problem.end(block))
      sizes.append(problem.size(block))
      masks.append(problem.alignment(block).int >> 4 - 1)
    }
  }

  /// Places the blocks, which come in the order of their ranks; the height that they reach.
  mutating func place(_ ranked: [UInt32]) -> Int {
    starts = [0, count]
    heights = [0, .max]
    for block in 0..<count {
      places[block] = Self.none
      ranks[block] = .max
    }
    for (rank, block) in ranked.enumerated() { ranks[Int(block)] = rank }
    var height = 0
    var placed = 0
    while placed < ranked.count {
      var line = 0
      for index in 1..<heights.count where heights[index] < heights[line] { line = index }
      looks += heights.count
      guard let block = highestRanked(within: starts[line]..<starts[line + 1]) else {
        rise(line)
        continue
      }
      let place = (heights[line] + masks[block]) & ~masks[block]
      places[block] = place
      placed += 1
      height = max(height, place + sizes[block])
      raise(line, block..<ends[block], to: place + sizes[block])
    }
    return height
  }

  /// The block to be placed of highest rank that begins and ends within a line.
  private mutating func highestRanked(within line: Range<Int>) -> Int? {
    looks += line.count
    var found: Int?
    var best = Int.max
    for block in line where ranks[block] < best && ends[block] <= line.upperBound {
      guard places[block] == Self.none else { continue }
      (found, best) = (block, ranks[block])
    }
    return found
  }

  /// Raises a line to the lower of its neighbours, and joins it with that.
  private mutating func rise(_ line: Int) {
    let left = line > 0 ? heights[line - 1] : .max
    let right = heights[line + 1]
    heights[line] = min(left, right)
    join(line + 1)
    join(line)
  }

  /// Joins a line with the one before it where both have one height.
  private mutating func join(_ line: Int) {
    guard line > 0, line < heights.count - 1, heights[line] == heights[line - 1] else { return }
    heights.remove(at: line)
    starts.remove(at: line)
  }

  /// Raises a part of a line.
  private mutating func raise(_ line: Int, _ life: Range<Int>, to height: Int) {
    let old = heights[line]
    let end = starts[line + 1]
    heights[line] = height
    if life.upperBound < end {
      starts.insert(life.upperBound, at: line + 1)
      heights.insert(old, at: line + 1)
    }
    var raised = line
    if life.lowerBound > starts[line] {
      starts.insert(life.lowerBound, at: line + 1)
      heights.insert(height, at: line + 1)
      heights[line] = old
      raised = line + 1
    }
    join(raised + 1)
    join(raised)
  }
}
