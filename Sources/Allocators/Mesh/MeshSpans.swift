// The spans of a meshing heap, in bins by how full they are.

internal import MemoryUnits

/// A run of equal slots.
struct MeshSpan {
  let run: Placement
  let sizeClass: Int
  private let size: Int
  var slots: SlotMap
  /// For each live slot the handle of its block.
  let handles: UnsafeMutablePointer<UInt32>
  /// The bin in which the span stands, or -1, and its place there.
  fileprivate var bin = -1
  fileprivate var place = 0

  init(_ run: Placement, sizeClass: Int, size: Int, count: Int) {
    self.run = run
    self.sizeClass = sizeClass
    self.size = size
    slots = SlotMap(count: count)
    handles = .allocate(capacity: count)
    handles.initialize(repeating: 0, count: count)
  }

  var isFull: Bool { slots.live == slots.count }

  func placement(_ slot: Int) -> Placement {
    Placement(address: run.address + ByteCount(slot * size), granted: ByteCount(size))
  }

  func slot(at address: Address) -> Int { (address - run.address).int / size }

  func deallocate() {
    slots.deallocate()
    handles.deallocate()
  }
}

/// Numbers in an array that its owner deallocates.
struct NumberList {
  private var base: UnsafeMutablePointer<UInt32>?
  private(set) var count = 0
  private var capacity = 0

  subscript(index: Int) -> Int {
    get { Int(base?[index] ?? 0) }
    nonmutating set { base?[index] = UInt32(newValue) }
  }

  mutating func append(_ number: Int) {
    if count == capacity {
      let larger = max(8, capacity * 2)
      let new = UnsafeMutablePointer<UInt32>.allocate(capacity: larger)
      if let base { new.update(from: base, count: count) }
      base?.deallocate()
      base = new
      capacity = larger
    }
    base?[count] = UInt32(number)
    count += 1
  }

  mutating func removeLast() -> Int {
    precondition(count > 0, "nothing in the list")
    count -= 1
    return self[count]
  }

  func deallocate() { base?.deallocate() }
}

/// Spans by number, from 1 on, and for each class four bins of those that are neither full nor
/// attached; the fullest quarter is the last bin.
struct MeshSpans: ~Copyable {
  private static let binCount = 4

  private let classCount: Int
  private var spans: UnsafeMutablePointer<MeshSpan?>
  private var capacity = 64
  /// Numbers below this one were given out.
  private var used = 1
  /// Numbers to be given out again.
  private var unused = NumberList()
  private let bins: UnsafeMutablePointer<NumberList>

  init(classCount: Int) {
    self.classCount = classCount
    spans = .allocate(capacity: capacity)
    spans.initialize(repeating: nil, count: capacity)
    bins = .allocate(capacity: classCount * Self.binCount)
    bins.initialize(repeating: NumberList(), count: classCount * Self.binCount)
  }

  deinit {
    for number in 1..<used { spans[number]?.deallocate() }
    spans.deallocate()
    for index in 0..<classCount * Self.binCount { bins[index].deallocate() }
    bins.deallocate()
    unused.deallocate()
  }

  /// A span that there is.
  subscript(number: Int) -> MeshSpan {
    @inline(__always)
    get {
      guard let span = spans[number] else { preconditionFailure("no such span") }
      return span
    }
    @inline(__always)
    nonmutating set { spans[number] = newValue }
  }

  /// Gives a span a number; it stands in no bin.
  mutating func add(_ span: MeshSpan) -> Int {
    if unused.count > 0 {
      let number = unused.removeLast()
      spans[number] = span
      return number
    }
    if used == capacity {
      let new = UnsafeMutablePointer<MeshSpan?>.allocate(capacity: capacity * 2)
      new.moveInitialize(from: spans, count: capacity)
      (new + capacity).initialize(repeating: nil, count: capacity)
      spans.deallocate()
      spans = new
      capacity *= 2
    }
    spans[used] = span
    used += 1
    return used - 1
  }

  /// Forgets a span that stands in no bin; its run.
  mutating func remove(_ number: Int) -> Placement {
    let span = self[number]
    precondition(span.bin < 0 && span.slots.live == 0, "a span in use")
    span.deallocate()
    spans[number] = nil
    unused.append(number)
    return span.run
  }

  // MARK: Bins

  /// The spans of a class in a bin.
  func count(_ sizeClass: Int, _ bin: Int) -> Int { bins[sizeClass * Self.binCount + bin].count }

  /// The number of a span in a bin.
  func element(_ sizeClass: Int, _ bin: Int, _ index: Int) -> Int {
    bins[sizeClass * Self.binCount + bin][index]
  }

  /// The last bin of a class that is not empty, or -1.
  func fullestBin(_ sizeClass: Int) -> Int {
    var bin = Self.binCount - 1
    while bin >= 0, count(sizeClass, bin) == 0 { bin -= 1 }
    return bin
  }

  /// All spans of a class that stand in bins, the emptiest bin first.
  func detached(_ sizeClass: Int) -> [Int] {
    var numbers: [Int] = []
    for bin in 0..<Self.binCount {
      for index in 0..<count(sizeClass, bin) { numbers.append(element(sizeClass, bin, index)) }
    }
    return numbers
  }

  /// Puts a span where it belongs by its live slots: into a bin, or into none if it is full.
  mutating func joinBin(_ number: Int) {
    let span = self[number]
    guard !span.isFull else { return leaveBin(number) }
    let bin = span.slots.live * Self.binCount / span.slots.count
    guard bin != span.bin else { return }
    leaveBin(number)
    let list = span.sizeClass * Self.binCount + bin
    spans[number]?.bin = bin
    spans[number]?.place = bins[list].count
    bins[list].append(number)
  }

  /// Takes a span out of its bin if it stands in one; the last one of the bin takes its place.
  mutating func leaveBin(_ number: Int) {
    let span = self[number]
    guard span.bin >= 0 else { return }
    let list = span.sizeClass * Self.binCount + span.bin
    let last = bins[list].removeLast()
    if last != number {
      bins[list][span.place] = last
      spans[last]?.place = span.place
    }
    spans[number]?.bin = -1
  }
}
