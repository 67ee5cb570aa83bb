// How slabs come, move between the lists of their cache, and go.

internal import MemoryUnits

extension SlabHeap {
  // MARK: Lists

  /// The slab of a page, if it is in this list of this cache; else 0.
  private func slab(at page: Int, _ list: Slab.List, of number: Int) -> Int {
    let slab = owners.owner(of: Address(UInt64(page) << 12))
    let isHere = slab > 0 && slabs[slab].list == list && slabs[slab].cache == number
    return isHere ? slab : 0
  }

  @inline(__always)
  func firstPartialSlab(of number: Int) -> Int {
    caches[number].partial.first(order) { slab(at: $0, .partial, of: number) }
  }

  /// Segregated storage has lists of cells, slab caches have lists of slabs too.
  @inline(__always)
  private mutating func countSlabMove() {
    if !isSegregated { tally.listOperations &+= 1 }
  }

  mutating func put(_ slab: Int, on list: Slab.List) {
    let number = slabs[slab].cache
    slabs[slab].list = list
    countSlabMove()
    if list == .partial {
      caches[number].partial.insert(slab, order, in: slabs) {
        self.slab(at: $0, list, of: number)
      }
    } else {
      caches[number].empty.insert(slab, order, in: slabs) { self.slab(at: $0, list, of: number) }
    }
  }

  mutating func takeOffList(_ slab: Int) {
    let list = slabs[slab].list
    guard list != .none else { return }
    let number = slabs[slab].cache
    slabs[slab].list = .none
    countSlabMove()
    if list == .partial {
      caches[number].partial.remove(slab, order, in: slabs)
    } else {
      caches[number].empty.remove(slab, order, in: slabs)
    }
  }

  /// The last live object of a slab was freed.
  @inline(never)
  mutating func becameEmpty(_ slab: Int, by thread: UInt32) {
    let number = slabs[slab].cache
    if isSegregated, keep > 0 {
      if slabs[slab].list == .none { put(slab, on: .partial) }
      return
    }
    takeOffList(slab)
    if caches[number].empty.count < keep { return put(slab, on: .empty) }
    giveBack(slab, by: thread)
  }

  // MARK: Slabs

  /// Puts an empty or a new slab on the partial list of a cache that has none there.
  ///
  /// Returns 0 and the whole run when it lies beyond the table of pages.
  @inline(never)
  mutating func supplySlab(
    _ number: Int, for request: BlockRequest
  ) -> (slab: Int, run: Placement) {
    var run = Placement(address: .zero, granted: .zero)
    var slab = 0
    if caches[number].empty.count > 0 {
      slab = caches[number].empty.first(order) { self.slab(at: $0, .empty, of: number) }
      takeOffList(slab)
    } else {
      let bytes = caches[number].objectCount * caches[number].size
      run = source.take(bytes, for: request, &heldChanges)
      tally.refills &+= 1
      guard run.end.rawValue <= PageOwners.limit else { return (0, run) }
      tally.splits &+= UInt64(caches[number].objectCount - 1)
      if isSegregated { tally.listOperations &+= UInt64(caches[number].objectCount) }
      slab = makeSlab(
        Slab(
          base: Int(run.address.rawValue), granted: run.granted.int, cache: number,
          objects: SlabObjects(count: caches[number].objectCount, isBitmap: usesLowestObject)))
      owners.set(run.address, bytes, to: slab)
    }
    put(slab, on: .partial)
    return (slab, run)
  }

  private mutating func giveBack(_ slab: Int, by thread: UInt32) {
    let cache = caches[slabs[slab].cache]
    let run = Placement(
      address: Address(UInt64(slabs[slab].base)), granted: ByteCount(slabs[slab].granted))
    owners.set(run.address, cache.objectCount * cache.size, to: 0)
    slabs[slab].objects.deallocate(count: cache.objectCount)
    slabs[slab].granted = 0
    slabs[slab].next = unusedSlabs
    unusedSlabs = slab
    tally.flushes &+= 1
    if isSegregated { tally.listOperations &+= UInt64(cache.objectCount) }
    source.giveBack(run, by: thread, &heldChanges)
  }

  private mutating func makeSlab(_ slab: Slab) -> Int {
    if unusedSlabs > 0 {
      let number = unusedSlabs
      unusedSlabs = slabs[number].next
      slabs[number] = slab
      return number
    }
    if slabCount == slabCapacity {
      let larger = UnsafeMutablePointer<Slab>.allocate(capacity: slabCapacity * 2)
      (larger + 1).moveInitialize(from: slabs + 1, count: slabCount - 1)
      slabs.deallocate()
      slabs = larger
      slabCapacity *= 2
    }
    (slabs + slabCount).initialize(to: slab)
    slabCount += 1
    return slabCount - 1
  }
}
