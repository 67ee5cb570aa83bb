// Spans that mesh (Powers, Tench, Berger & McGregor, PLDI 2019): compaction without moving
// pointers.

public import MemoryUnits

/// A heap of spans of equal slots that merges spans whose live slots do not collide.
///
/// * A request takes the smallest class that holds it and is a multiple of its alignment. It gets a
///   slot of the class's attached span: a random free one (`slots=random`), which is what the
///   paper's shuffle vectors come to, or the lowest.
/// * When that is full, one of the fullest quarter of the spans that have free slots is attached,
///   any of it alike (the paper's occupancy bins); without such a span a new one comes from below.
/// * A span without live blocks, unless it is attached, goes back below.
/// * After `every` frees each class is meshed by SplitMesher (figure 2 of the paper): the spans
///   that are neither full nor attached are shuffled and split in two halves; `probes` times each
///   span is compared with another one of the other half. Two in which no slot lives twice are
///   meshed.
/// * Meshing maps both spans to one. A simulated address is that of physical memory: so the blocks
///   of the span with fewer of them move to the same slots of the other (`Relocation`), and their
///   span goes back below. The program's pointers stay what they are in reality.
/// * What is beyond the last class, or aligned to more than a page, is a block of whole pages that
///   the heap below places.
///
/// `Work.refills` and `Work.flushes` count the spans taken and given back.
public struct MeshHeap: Heap, ~Copyable {
  /// What the heap below got and gave back since the list was last emptied.
  public var heldChanges: [HeldChange] = []
  /// The blocks that meshing moved since the list was last emptied.
  public var relocations: [Relocation] = []
  /// Meshing moves blocks.
  public static var relocatesBlocks: Bool { true }
  /// The settings.
  public let parameters: MeshParameters

  var own = Work()
  var source: RunSource
  let table: ClassTable
  var owners = PageOwners()
  var spans: MeshSpans
  /// For each class the span that serves requests; zero where there is none.
  var attached: UnsafeMutablePointer<Int>
  var random: SlotRandom
  private var freesUntilMeshing: Int

  /// A heap that holds nothing yet.
  ///
  /// The parameters must be in the bounds that `HeapSpecification` checks.
  public init(_ parameters: MeshParameters = MeshParameters(), on below: HeapKind) {
    precondition(parameters.span.rawValue % 4096 == 0 && parameters.span > 0, "whole pages")
    self.parameters = parameters
    source = RunSource(below)
    table = ClassTable(parameters.classes)
    attached = .allocate(capacity: table.count)
    attached.initialize(repeating: 0, count: table.count)
    spans = MeshSpans(classCount: table.count)
    random = SlotRandom(seed: parameters.seed)
    freesUntilMeshing = parameters.every
  }

  deinit { attached.deallocate() }

  /// The work of meshing and of the heap below.
  public var work: Work { own + source.work }

  // MARK: Requests

  /// Places a block in the attached span of its class.
  public mutating func allocate(_ request: BlockRequest) -> Placement {
    let sizeClass = sizeClass(for: request)
    guard sizeClass >= 0 else { return source.place(request, &heldChanges) }
    var number = attached[sizeClass]
    if number == 0 || spans[number].isFull {
      number = attach(sizeClass)
      guard number != 0 else { return source.place(request, &heldChanges) }
    }
    var span = spans[number]
    let slot = span.slots.take(parameters.slots, &random)
    span.handles[slot] = request.handle
    spans[number] = span
    return span.placement(slot)
  }

  /// Ends a block.
  public mutating func free(_ placement: Placement) {
    let number = owners.owner(of: placement.address)
    guard number != 0 else { return source.giveBack(placement, &heldChanges) }
    var span = spans[number]
    span.slots.clear(span.slot(at: placement.address))
    spans[number] = span
    settle(number)
    guard parameters.every > 0 else { return }
    freesUntilMeshing -= 1
    if freesUntilMeshing == 0 {
      freesUntilMeshing = parameters.every
      for sizeClass in 0..<table.count { mesh(sizeClass) }
    }
  }

  /// Resizes a block, in place where its class stays.
  public mutating func reallocate(
    _ placement: Placement, oldSize: ByteCount, to request: BlockRequest
  ) -> Placement {
    let sizeClass = sizeClass(for: request)
    let number = owners.owner(of: placement.address)
    if number != 0, spans[number].sizeClass == sizeClass { return placement }
    if number == 0, sizeClass < 0 {
      return source.resize(placement, oldSize: oldSize, to: request, &heldChanges)
    }
    let moved = allocate(request)
    own.bytesMoved &+= UInt64(max(min(oldSize, request.size), .zero).rawValue)
    free(placement)
    return moved
  }

  private func sizeClass(for request: BlockRequest) -> Int {
    table.number(for: request.size.int, alignment: request.alignment.int)
  }

  // MARK: Spans

  /// Attaches a span with a free slot to a class, in place of its full one.
  ///
  /// Zero where there is no place for a span: a trace that has filled the address space.
  private mutating func attach(_ sizeClass: Int) -> Int {
    let full = attached[sizeClass]
    attached[sizeClass] = 0
    if full != 0 { settle(full) }
    let bin = spans.fullestBin(sizeClass)
    let number: Int
    if bin >= 0 {
      number = spans.element(sizeClass, bin, random.below(spans.count(sizeClass, bin)))
      spans.leaveBin(number)
    } else {
      number = takeSpan(sizeClass)
    }
    attached[sizeClass] = number
    return number
  }

  private mutating func takeSpan(_ sizeClass: Int) -> Int {
    let size = table[sizeClass]
    let bytes = max(parameters.span.int, (8 * size + 4095) & ~4095)
    let run = source.take(bytes, &heldChanges)
    guard run.end.rawValue <= PageOwners.limit else {
      source.giveBack(run, &heldChanges)
      own.failures &+= 1
      return 0
    }
    own.refills &+= 1
    let number = spans.add(MeshSpan(run, sizeClass: sizeClass, size: size, count: bytes / size))
    owners.set(run.address, bytes, to: number)
    return number
  }

  /// Puts a span that changed where it belongs.
  mutating func settle(_ number: Int) {
    guard attached[spans[number].sizeClass] != number else { return }
    if spans[number].slots.live > 0 { return spans.joinBin(number) }
    spans.leaveBin(number)
    let run = spans.remove(number)
    owners.set(run.address, run.granted.int, to: 0)
    own.flushes &+= 1
    source.giveBack(run, &heldChanges)
  }
}
