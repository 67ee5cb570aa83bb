// Packings of any number of blocks: stacked on a skyline, or placed as they begin.

internal import MemoryUnits

/// The packings that take O(n log n).
enum StackedPacker {
  /// Puts each block, in an order, on top of what is already there during its lifetime.
  static func stack(_ problem: borrowing PackingProblem, by order: PackingOrder) -> Packing {
    var packing = Packing(count: problem.count)
    var skyline = Skyline(moments: max(problem.count, 1))
    for block in problem.blocks(by: order) {
      let block = Int(block)
      let life = block..<problem.end(block)
      let place = problem.aligned(skyline.height(over: life), for: block)
      let size = problem.size(block)
      packing.place(block, at: place, size: size)
      if packing[block] != nil { skyline.raise(life, to: place + size) }
    }
    return packing
  }

  /// Places each block when it begins, where a heap of this policy puts it.
  static func play<Policy: FitPolicy & ~Copyable>(
    _ problem: borrowing PackingProblem, _: Policy.Type
  ) -> Packing {
    var packing = Packing(count: problem.count)
    var heap = FitHeap<Policy>(FitParameters(align: 16, min: 16, growth: 16))
    let ending = EndingBlocks(problem)
    var next = 0
    for block in 0..<problem.count where problem.size(block) > 0 {
      while next < ending.count, problem.end(ending[next]) <= block {
        let ended = ending[next]
        next += 1
        guard let place = packing[ended] else { continue }
        heap.free(placement(place, problem.size(ended)))
      }
      let request = BlockRequest(
        size: ByteCount(problem.size(block) << 4), alignment: problem.alignment(block))
      let placed = heap.allocate(request)
      let place = (placed.address - Arena.base).int >> 4
      packing.place(block, at: place, size: problem.size(block))
      if packing[block] == nil { heap.free(placed) }
      heap.heldChanges.removeAll(keepingCapacity: true)
    }
    return packing
  }

  private static func placement(_ place: Int, _ size: Int) -> Placement {
    Placement(address: Arena.base + ByteCount(place << 4), granted: ByteCount(size << 4))
  }
}

/// The planned blocks in the order in which they end.
struct EndingBlocks: ~Copyable {
  let count: Int
  private let blocks: UnsafeMutablePointer<UInt32>

  /// - Complexity: O(n), by counting.
  init(_ problem: borrowing PackingProblem) {
    let moments = problem.count + 2
    let starts = UnsafeMutablePointer<UInt32>.allocate(capacity: moments)
    starts.initialize(repeating: 0, count: moments)
    defer { starts.deallocate() }
    var planned = 0
    for block in 0..<problem.count where problem.size(block) > 0 {
      starts[problem.end(block) + 1] += 1
      planned += 1
    }
    for moment in 1..<moments { starts[moment] += starts[moment - 1] }
    count = planned
    blocks = .allocate(capacity: max(planned, 1))
    for block in 0..<problem.count where problem.size(block) > 0 {
      let end = problem.end(block)
      blocks[Int(starts[end])] = UInt32(block)
      starts[end] += 1
    }
  }

  deinit { blocks.deallocate() }

  subscript(index: Int) -> Int { Int(blocks[index]) }
}
