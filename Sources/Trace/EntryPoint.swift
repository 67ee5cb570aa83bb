// The functions of the C library, of C++ and of the kernel through which a program asks.

/// The function through which something was asked for.
///
/// The raw values are part of the trace format and of the capture layout: never renumber. Those up
/// to 31 begin blocks, those from 32 to 63 end them, the others do neither.
@frozen
public enum EntryPoint: UInt8, Sendable, CaseIterable {
  case unknown = 0
  case malloc = 1
  case calloc = 2
  case realloc = 3
  case reallocarray = 4
  case posixMemalign = 5
  case alignedAlloc = 6
  case memalign = 7
  case valloc = 8
  case pvalloc = 9
  case new = 10
  case newArray = 11
  case newNothrow = 12
  case newArrayNothrow = 13
  case newAligned = 16
  case newArrayAligned = 17
  case newAlignedNothrow = 18
  case newArrayAlignedNothrow = 19

  case free = 32
  case cfree = 33
  case freeSized = 34
  case freeAlignedSized = 35
  case delete = 36
  case deleteArray = 37
  case deleteSized = 38
  case deleteArraySized = 39
  case deleteAligned = 40
  case deleteArrayAligned = 41
  case deleteSizedAligned = 42
  case deleteArraySizedAligned = 43
  case deleteNothrow = 44
  case deleteArrayNothrow = 45
  case deleteAlignedNothrow = 46
  case deleteArrayAlignedNothrow = 47

  case mmap = 64
  case munmap = 65
  case mremap = 66
  case madvise = 67
  case brk = 68
  case sbrk = 69
  case mallocTrim = 70
  case mallopt = 71
  case mark = 72
  case poolAllocate = 73
  case poolFree = 74

  /// The name of the function, as a program writes it.
  public var name: String {
    switch self {
    case .posixMemalign: "posix_memalign"
    case .alignedAlloc: "aligned_alloc"
    case .new: "operator new"
    case .newArray: "operator new[]"
    case .newNothrow: "operator new (nothrow)"
    case .newArrayNothrow: "operator new[] (nothrow)"
    case .newAligned: "operator new (aligned)"
    case .newArrayAligned: "operator new[] (aligned)"
    case .newAlignedNothrow: "operator new (aligned, nothrow)"
    case .newArrayAlignedNothrow: "operator new[] (aligned, nothrow)"
    case .freeSized: "free_sized"
    case .freeAlignedSized: "free_aligned_sized"
    case .delete: "operator delete"
    case .deleteArray: "operator delete[]"
    case .deleteSized: "operator delete (sized)"
    case .deleteArraySized: "operator delete[] (sized)"
    case .deleteAligned: "operator delete (aligned)"
    case .deleteArrayAligned: "operator delete[] (aligned)"
    case .deleteSizedAligned: "operator delete (sized, aligned)"
    case .deleteArraySizedAligned: "operator delete[] (sized, aligned)"
    case .deleteNothrow: "operator delete (nothrow)"
    case .deleteArrayNothrow: "operator delete[] (nothrow)"
    case .deleteAlignedNothrow: "operator delete (aligned, nothrow)"
    case .deleteArrayAlignedNothrow: "operator delete[] (aligned, nothrow)"
    case .mallocTrim: "malloc_trim"
    case .mark: "lacuna_mark"
    case .poolAllocate: "lacuna_pool_alloc"
    case .poolFree: "lacuna_pool_free"
    default: "\(self)"
    }
  }
}
