// Steps that are about no block: what the program does to its address space, and what it says.

public import MemoryUnits

/// A name that the program gave to a moment: an index into ``TraceFile/marks``.
@frozen
public struct MarkID: Hashable, Sendable {
  /// The number of the mark, from 0 on in the order of the trace.
  public var rawValue: UInt32

  /// Wraps a number.
  @inlinable
  public init(_ rawValue: UInt32) { self.rawValue = rawValue }
}

/// A pool that the program reports itself, numbered in order of first appearance.
@frozen
public struct PoolID: Hashable, Sendable {
  /// The number of the pool, from 0 on.
  public var rawValue: UInt32

  /// Wraps a number.
  @inlinable
  public init(_ rawValue: UInt32) { self.rawValue = rawValue }
}

/// What kind of memory a mapping is.
public struct MappingTraits: OptionSet, Hashable, Sendable {
  /// The bits; part of the format.
  public var rawValue: UInt32

  /// Wraps bits.
  public init(rawValue: UInt32) { self.rawValue = rawValue }

  /// No file stands behind it (`MAP_ANONYMOUS`).
  public static let anonymous = MappingTraits(rawValue: 1)
  /// Writes are seen by other processes (`MAP_SHARED`).
  public static let shared = MappingTraits(rawValue: 2)
  /// The program chose the place (`MAP_FIXED`).
  public static let fixed = MappingTraits(rawValue: 4)
  /// No swap space is set aside (`MAP_NORESERVE`).
  public static let noReserve = MappingTraits(rawValue: 8)
  /// Of huge pages from the pool that the administrator set aside (`MAP_HUGETLB`).
  public static let hugePages = MappingTraits(rawValue: 16)
  /// May be read.
  public static let readable = MappingTraits(rawValue: 32)
  /// May be written.
  public static let writable = MappingTraits(rawValue: 64)
  /// May be executed.
  public static let executable = MappingTraits(rawValue: 128)
  /// It was moved or resized by `mremap`, with its contents.
  public static let moved = MappingTraits(rawValue: 256)
}

/// A step that is about no block.
public enum SideStep: Equatable, Sendable {
  /// The program mapped memory. What was mapped there before is gone.
  ///
  /// A `mremap` is an `unmap` followed by a `map` with ``MappingTraits/moved``.
  case map(range: Range<Address>, traits: MappingTraits, stack: StackID, entry: EntryPoint)
  /// The program unmapped memory, whatever was mapped there.
  case unmap(range: Range<Address>, entry: EntryPoint)
  /// `madvise(MADV_DONTNEED)`, or `MADV_FREE` where it is lazy.
  case discard(range: Range<Address>, isLazy: Bool)
  /// `malloc_trim(pad)`.
  case trim(pad: ByteCount)
  /// `mallopt(parameter, value)`.
  case setOption(parameter: Int32, value: Int64)
  /// `lacuna_mark`.
  case mark(MarkID)
  /// `lacuna_pool_alloc`: a piece of memory that a pool of the program handed out.
  case poolAllocate(pool: PoolID, address: Address, size: ByteCount, stack: StackID)
  /// `lacuna_pool_free`.
  case poolFree(pool: PoolID, address: Address)
  /// A heap of a thread arena of glibc (`heap_info`, arena.c 2.36) now has these bytes. Empty: it
  /// was given back. The first heap of an arena lives as long as the process.
  case resizeHeap(range: Range<Address>, isFirst: Bool)
  /// The program called `brk` or `sbrk` itself.
  case setBreak(to: Address, entry: EntryPoint)
}

extension Request {
  /// What the step says, if it is about no block; nil for all steps up to ``Operation/startBreak``.
  public var sideStep: SideStep? {
    switch operation {
    case .map:
      .map(
        range: range, traits: MappingTraits(rawValue: slot.rawValue), stack: stack, entry: entry)
    case .unmap: .unmap(range: range, entry: entry)
    case .discard: .discard(range: range, isLazy: false)
    case .discardLazily: .discard(range: range, isLazy: true)
    case .trim: .trim(pad: size)
    case .setOption:
      .setOption(parameter: Int32(bitPattern: slot.rawValue), value: size.rawValue)
    case .mark: .mark(MarkID(slot.rawValue))
    case .poolAllocate:
      .poolAllocate(pool: PoolID(slot.rawValue), address: address, size: size, stack: stack)
    case .poolFree: .poolFree(pool: PoolID(slot.rawValue), address: address)
    case .resizeHeap: .resizeHeap(range: range, isFirst: alignmentShift != 0)
    case .setBreak: .setBreak(to: address, entry: entry)
    case .allocate, .free, .reallocate, .reallocateBegin, .reallocateEnd, .abandon, .moveBreak,
      .freeUnknown, .startBreak:
      nil
    }
  }

  private var range: Range<Address> {
    address..<max(address, address + ByteCount(max(0, size.rawValue)))
  }

  /// Packs a side step into the fields of a plain request.
  public init(_ step: SideStep, thread: ThreadIndex, time: Timestamp) {
    self.init(operation: step.operation, slot: .none, time: time, thread: thread)
    switch step {
    case .map(let range, let traits, let stack, let entry):
      place(range)
      slot = Slot(traits.rawValue)
      self.stack = stack
      self.entry = entry
    case .unmap(let range, let entry):
      place(range)
      self.entry = entry
    case .discard(let range, _):
      place(range)
      entry = .madvise
    case .trim(let pad):
      size = pad
      entry = .mallocTrim
    case .setOption(let parameter, let value):
      slot = Slot(UInt32(bitPattern: parameter))
      size = ByteCount(value)
      entry = .mallopt
    case .mark(let mark):
      slot = Slot(mark.rawValue)
      entry = .mark
    case .poolAllocate(let pool, let address, let size, let stack):
      slot = Slot(pool.rawValue)
      self.address = address
      self.size = size
      self.stack = stack
      entry = .poolAllocate
    case .poolFree(let pool, let address):
      slot = Slot(pool.rawValue)
      self.address = address
      entry = .poolFree
    case .resizeHeap(let range, let isFirst):
      place(range)
      alignmentShift = isFirst ? 1 : 0
    case .setBreak(let address, let entry):
      self.address = address
      self.entry = entry
    }
    usable = size
  }

  private mutating func place(_ range: Range<Address>) {
    address = range.lowerBound
    size = range.upperBound - range.lowerBound
  }
}

extension SideStep {
  /// The kind of step that this is in the stream.
  public var operation: Operation {
    switch self {
    case .map: .map
    case .unmap: .unmap
    case .discard(_, let isLazy): isLazy ? .discardLazily : .discard
    case .trim: .trim
    case .setOption: .setOption
    case .mark: .mark
    case .poolAllocate: .poolAllocate
    case .poolFree: .poolFree
    case .resizeHeap: .resizeHeap
    case .setBreak: .setBreak
    }
  }
}

extension Operation {
  /// Whether steps of this kind are about no block and carry a ``SideStep``.
  @inlinable
  public var isSideStep: Bool { rawValue >= Operation.map.rawValue }
}
