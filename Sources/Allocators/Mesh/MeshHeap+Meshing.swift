// Finding spans that mesh, and merging them.

internal import MemoryUnits

extension MeshHeap {
  /// Meshes the spans of a class: SplitMesher, figure 2 of the paper.
  ///
  /// - Complexity: O(probes × spans), each comparison a word for 64 slots.
  mutating func mesh(_ sizeClass: Int) {
    var numbers = spans.detached(sizeClass)
    guard numbers.count > 1 else { return }
    for index in stride(from: numbers.count - 1, to: 0, by: -1) {
      numbers.swapAt(index, random.below(index + 1))
    }
    var left = Array(numbers.prefix(numbers.count / 2))
    var right = Array(numbers.suffix(from: numbers.count / 2))
    var probe = 0
    while probe < parameters.probes, !left.isEmpty, probe < right.count {
      for index in left.indices {
        let other = (index + probe) % right.count
        guard left[index] != 0, right[other] != 0,
          spans[left[index]].slots.isDisjoint(with: spans[right[other]].slots)
        else { continue }
        merge(left[index], right[other])
        left[index] = 0
        right[other] = 0
      }
      left.removeAll { $0 == 0 }
      right.removeAll { $0 == 0 }
      probe += 1
    }
  }

  /// Moves the blocks of the emptier of two spans to the same slots of the other one, and gives its
  /// run back.
  private mutating func merge(_ a: Int, _ b: Int) {
    let isSmaller = spans[a].slots.live < spans[b].slots.live
    let (source, target) = isSmaller ? (a, b) : (b, a)
    var old = spans[source]
    var new = spans[target]
    for slot in 0..<old.slots.count where old.slots.isLive(slot) {
      let handle = old.handles[slot]
      old.slots.clear(slot)
      new.slots.set(slot)
      new.handles[slot] = handle
      relocations.append(
        Relocation(handle: handle, from: old.placement(slot), to: new.placement(slot)))
      own.blocksRelocated &+= 1
      own.bytesRelocated &+= UInt64(table[old.sizeClass])
    }
    spans[source] = old
    spans[target] = new
    settle(target)
    settle(source)
  }
}
