// The adversary that makes any heap without compaction need Robson's bound.

internal import Allocators
public import MemoryUnits

/// Robson's program (JACM 18(3), 1971; JACM 21(3), 1974), played against a heap.
///
/// It fills the memory with blocks of one unit. Then, for each power of two up to the largest, it picks
/// one of two residues of addresses, the one that more live blocks cover, frees every block that does
/// not cover it, and fills up with blocks of that power of two: no such block fits into a hole that
/// contains no unit of the residue twice over.
struct RobsonAdversary: HeapVisitor {
  let parameters: RobsonParameters
  let trace: WorkloadTrace

  /// A block with the place that the heap gave it.
  private struct Block {
    var requested: WorkloadBlock
    var placement: Placement
    var units: Int
  }

  /// Plays, and returns the most bytes that the heap ever held.
  mutating func visit<H: Heap & ~Copyable>(_ heap: consuming H) -> ByteCount {
    var game = Game(heap: heap, parameters: parameters, trace: trace)
    game.play()
    return ByteCount(game.peak)
  }

  private struct Game<H: Heap & ~Copyable>: ~Copyable {
    var heap: H
    let parameters: RobsonParameters
    let trace: WorkloadTrace
    var blocks: [UInt32: Block] = [:]
    /// The handles of the live blocks, oldest first.
    var order: [UInt32] = []
    var nextHandle: UInt32 = 0
    var liveUnits = 0
    var held: Int64 = 0
    var peak: Int64 = 0

    init(heap: consuming H, parameters: RobsonParameters, trace: WorkloadTrace) {
      self.heap = heap
      self.parameters = parameters
      self.trace = trace
    }

    mutating func play() {
      fill(1)
      var residue: UInt64 = 0
      var size = 2
      while size <= parameters.largest {
        let other = residue + UInt64(size / 2)
        if count(covering: other, of: size) > count(covering: residue, of: size) {
          residue = other
        }
        freeBlocks(notCovering: residue, of: size)
        fill(size)
        size *= 2
      }
    }

    private mutating func fill(_ units: Int) {
      while liveUnits + units <= parameters.live {
        let size = ByteCount(Int64(units) * parameters.unit.rawValue)
        let handle = nextHandle
        nextHandle += 1
        let placement = heap.allocate(
          BlockRequest(size: size, thread: 0, site: trace.site, handle: handle))
        blocks[handle] = Block(
          requested: trace.allocate(size, thread: 0), placement: placement, units: units)
        order.append(handle)
        liveUnits += units
        settle()
      }
    }

    private func covers(_ handle: UInt32, _ residue: UInt64, _ size: Int) -> Bool {
      guard let block = blocks[handle] else { return false }
      let start = block.placement.address.rawValue / UInt64(parameters.unit.rawValue)
      return (residue &- start) & UInt64(size - 1) < UInt64(block.units)
    }

    private func count(covering residue: UInt64, of size: Int) -> Int {
      order.reduce(0) { $0 + (covers($1, residue, size) ? 1 : 0) }
    }

    private mutating func freeBlocks(notCovering residue: UInt64, of size: Int) {
      var kept: [UInt32] = []
      for handle in order {
        if covers(handle, residue, size) {
          kept.append(handle)
        } else if let block = blocks.removeValue(forKey: handle) {
          heap.free(block.placement)
          trace.free(block.requested, thread: 0)
          liveUnits -= block.units
          settle()
        }
      }
      order = kept
    }

    /// Takes note of what the heap got, gave back and moved.
    private mutating func settle() {
      for change in heap.heldChanges {
        held += change.isGrowth ? change.range.byteCount.rawValue : -change.range.byteCount.rawValue
        peak = max(peak, held)
      }
      if !heap.heldChanges.isEmpty { heap.heldChanges.removeAll(keepingCapacity: true) }
      guard H.relocatesBlocks else { return }
      for relocation in heap.relocations {
        blocks[relocation.handle]?.placement = relocation.new
      }
      heap.relocations.removeAll(keepingCapacity: true)
    }
  }
}

extension RobsonParameters {
  /// What a heap that moves no block must hold at least: M(½ lg n + 1) - n + 1 units, in bytes.
  ///
  /// Robson, "Bounds for some functions concerning dynamic storage allocation", JACM 21(3), 1974: the
  /// bound is tight where all sizes are powers of two.
  public var bound: ByteCount {
    let doubled = live * (largest.trailingZeroBitCount + 2) - 2 * (largest - 1)
    return ByteCount(Int64(doubled) * unit.rawValue / 2)
  }
}
