// A piece of the address space, and what it is for.

public import MemoryUnits

/// A mapping of a snapshot, or a part of one that the kernel had joined to its neighbour.
public struct SnapshotMapping: Sendable, Equatable {
  /// Where it lies; whole pages.
  public var range: Range<Address>
  /// What may be done with its memory.
  public var permissions: Permissions
  /// What it is for.
  public var kind: Kind
  /// How much of it was there; nil in light snapshots, and for the parts of a mapping that was
  /// divided, save the recorder's own.
  public var figures: Figures?

  /// Describes a mapping.
  public init(
    range: Range<Address>, permissions: Permissions, kind: Kind, figures: Figures? = nil
  ) {
    self.range = range
    self.permissions = permissions
    self.kind = kind
    self.figures = figures
  }

  /// What may be done with the memory of a mapping, and how the kernel treats it.
  public struct Permissions: OptionSet, Sendable, Hashable {
    /// The bits as the trace holds them.
    public var rawValue: UInt8

    /// Wraps bits.
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// It can be read.
    public static let read = Permissions(rawValue: 1)
    /// It can be written.
    public static let write = Permissions(rawValue: 2)
    /// It can be executed.
    public static let execute = Permissions(rawValue: 4)
    /// What is written is seen by others who map the same.
    public static let shared = Permissions(rawValue: 8)
    /// Its pages are locked in memory (`mlock`): `malloc_trim` gives none of them back.
    public static let locked = Permissions(rawValue: 16)
    /// Huge pages were asked for (`MADV_HUGEPAGE`).
    public static let hugePages = Permissions(rawValue: 32)

    /// As `/proc/PID/maps` writes them: `rw-p`.
    public var text: String {
      (contains(.read) ? "r" : "-") + (contains(.write) ? "w" : "-")
        + (contains(.execute) ? "x" : "-") + (contains(.shared) ? "s" : "p")
    }
  }

  /// What a mapping is for.
  public enum Kind: Sendable, Hashable {
    /// The data segment, which `brk` moves: glibc's main heap.
    case heap
    /// A heap of one of glibc's arenas for further threads.
    case arenaHeap(ArenaHeap)
    /// The stack of the first thread.
    case mainStack
    /// The stack of another thread; `thread` is nil for one that is kept after its thread's end,
    /// and where the thread has made no requests.
    case threadStack(thread: ThreadIndex?)
    /// A file, or shared memory, from `offset` on.
    case file(path: String, offset: UInt64)
    /// The zeroed data that a program or library has behind its mapped file.
    case zeroedData(path: String)
    /// What the kernel itself puts there, `[vdso]` for instance.
    case kernel
    /// The recorder's own: the segment, the library, and the library's memory.
    case tool
    /// Memory without a file, of which nothing more is known: blocks that glibc maps on their own,
    /// other allocators, inaccessible reserves.
    case anonymous

    /// A word for messages: `heap`, `arena heap`, `file`.
    public var name: String {
      switch self {
      case .heap: "heap"
      case .arenaHeap: "arena heap"
      case .mainStack: "main stack"
      case .threadStack(let thread): thread == nil ? "idle stack" : "thread stack"
      case .file: "file"
      case .zeroedData: "zeroed data"
      case .kernel: "kernel"
      case .tool: "lacuna"
      case .anonymous: "anonymous"
      }
    }
  }

  /// What the head of an arena's heap says (`struct heap_info` in glibc's `arena.c`).
  public struct ArenaHeap: Sendable, Hashable {
    /// The arena (`struct malloc_state`) that the heap belongs to.
    public var arena: Address
    /// The heap that the arena had before this one; zero for its first.
    public var previous: Address
    /// How much of the mapping the arena uses at present.
    public var used: ByteCount

    /// Describes the heap of an arena.
    public init(arena: Address, previous: Address, used: ByteCount) {
      self.arena = arena
      self.previous = previous
      self.used = used
    }
  }

  /// What `/proc/PID/smaps` says of a mapping.
  public struct Figures: Sendable, Equatable {
    /// Resident pages.
    public var resident: ByteCount
    /// Those of them that no file backs.
    public var anonymous: ByteCount
    /// Pages written out to swap.
    public var swapped: ByteCount

    /// Makes figures.
    public init(resident: ByteCount, anonymous: ByteCount, swapped: ByteCount = .zero) {
      self.resident = resident
      self.anonymous = anonymous
      self.swapped = swapped
    }
  }
}
