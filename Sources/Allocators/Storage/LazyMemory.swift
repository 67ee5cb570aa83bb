// Memory that costs nothing until it is touched: what the sparse side structures are made of.

import Glibc

/// Zeroed memory, aligned to a cache line.
///
/// What is not small comes page aligned from the system, without a claim on swap.
@usableFromInline
enum LazyMemory {
  /// The size of a huge page.
  static let hugePage = 2 << 20
  /// Below this many bytes a mapping costs more than zeroing.
  private static let small = 1 << 15

  /// Maps `byteCount` zero bytes.
  ///
  /// Ends the program when the system has no address space left, as any failed allocation of the
  /// language does.
  static func map(byteCount: Int) -> UnsafeMutableRawPointer {
    if byteCount < small {
      let memory = UnsafeMutableRawPointer.allocate(byteCount: byteCount, alignment: 64)
      memset(memory, 0, byteCount)
      return memory
    }
    let memory = mmap(
      nil, byteCount, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)
    guard let memory, memory != UnsafeMutableRawPointer(bitPattern: -1) else {
      fatalError("out of address space: cannot map \(byteCount) bytes for a simulated heap")
    }
    return memory
  }

  static func unmap(_ memory: UnsafeMutableRawPointer, byteCount: Int) {
    if byteCount < small { return memory.deallocate() }
    munmap(memory, byteCount)
  }

  /// Asks for a huge page at `memory`, which must start one.
  ///
  /// It makes the first touch of a dense table cheaper, and every later one.
  static func preferHugePage(_ memory: UnsafeMutableRawPointer) {
    madvise(memory, hugePage, MADV_HUGEPAGE)
  }
}
