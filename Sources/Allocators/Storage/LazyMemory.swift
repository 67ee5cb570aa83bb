// Memory that costs nothing until it is touched: what the sparse side structures are made of.

import Glibc

/// Zeroed anonymous memory from the system, page aligned, without a claim on swap.
@usableFromInline
enum LazyMemory {
  /// Maps `byteCount` zero bytes. Ends the program when the system has no address space left,
  /// as any failed allocation of the language does.
  static func map(byteCount: Int) -> UnsafeMutableRawPointer {
    let memory = mmap(
      nil, byteCount, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)
    guard let memory, memory != UnsafeMutableRawPointer(bitPattern: -1) else {
      fatalError("out of address space: cannot map \(byteCount) bytes for a simulated heap")
    }
    return memory
  }

  static func unmap(_ memory: UnsafeMutableRawPointer, byteCount: Int) {
    munmap(memory, byteCount)
  }

  /// Asks for huge pages below `memory`, which makes the first touch of dense tables cheaper.
  static func preferHugePages(_ memory: UnsafeMutableRawPointer, byteCount: Int) {
    madvise(memory, byteCount, MADV_HUGEPAGE)
  }
}
