// The memory of the parts of the address map that need detail.

import Glibc

/// The detail of 4 MiB of address space: a state for each of its 1024 pages, a bit for each 8
/// bytes that is set where they are held and free, and, where a page is held in part only, a bit
/// for each 8 bytes that are held.
///
/// The bits of a page are one cache line. They say nothing while the page is uniform.
struct Leaf: BitwiseCopyable {
  static var pageCount: Int { 1024 }
  static var byteCount: Int { 4096 + 65536 + 64 }

  let base: UnsafeMutableRawPointer

  @inline(__always)
  var pages: UnsafeMutablePointer<PageState> {
    base.assumingMemoryBound(to: PageState.self)
  }

  /// The eight words of free bits of a page.
  @inline(__always)
  func freeBits(_ page: Int) -> UnsafeMutablePointer<UInt64> {
    (base + 4096).assumingMemoryBound(to: UInt64.self) + page &* 8
  }

  /// Where the masks of held bytes are, of as many bytes as the free bits; nil until needed.
  var heldMasks: UnsafeMutableRawPointer? {
    get { base.load(fromByteOffset: 4096 + 65536, as: UnsafeMutableRawPointer?.self) }
    nonmutating set { base.storeBytes(of: newValue, toByteOffset: 4096 + 65536, as: Optional.self) }
  }

  /// The eight words of held bits of a page of which part is held; nil for another page.
  func heldBits(_ page: Int) -> UnsafeMutablePointer<UInt64>? {
    guard pages[page].isPartlyHeld, let heldMasks else { return nil }
    return heldMasks.assumingMemoryBound(to: UInt64.self) + page &* 8
  }
}

/// Supplies leaves, and takes back those that are needed no more.
struct LeafPool: ~Copyable {
  private static var leavesPerSlab: Int { 15 }
  private static var slabBytes: Int { 1 << 20 }

  private var slabs: [UnsafeMutableRawPointer] = []
  private var masks: [UnsafeMutableRawPointer] = []
  private var spares: [Leaf] = []

  init() {}

  deinit {
    for slab in slabs { munmap(slab, Self.slabBytes) }
    for mask in masks { mask.deallocate() }
  }

  /// A leaf with all pages in the same uniform state.
  mutating func take(filledWith state: PageState) -> Leaf {
    if spares.isEmpty { addSlab() }
    let leaf = spares.removeLast()
    leaf.pages.update(repeating: state, count: Leaf.pageCount)
    return leaf
  }

  mutating func giveBack(_ leaf: Leaf) { spares.append(leaf) }

  /// Gives a leaf room for masks of held bytes.
  mutating func addHeldMasks(to leaf: Leaf) {
    guard leaf.heldMasks == nil else { return }
    let memory = UnsafeMutableRawPointer.allocate(byteCount: 65536, alignment: 64)
    masks.append(memory)
    leaf.heldMasks = memory
  }

  private mutating func addSlab() {
    let flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE
    guard let slab = mmap(nil, Self.slabBytes, PROT_READ | PROT_WRITE, flags, -1, 0),
      slab != MAP_FAILED
    else { fatalError("no memory left for the map of the heap") }
    slabs.append(slab)
    for index in (0..<Self.leavesPerSlab).reversed() {
      spares.append(Leaf(base: slab + index * Leaf.byteCount))
    }
  }
}
