// Memory that costs nothing until it is touched: tables indexed by place in the address space.

import Glibc

/// A table of zeroes of fixed size, whose pages the system supplies when they are first written.
///
/// `Element` must be a plain value for which all zero bits are a meaningful one.
@frozen
package struct FlatTable<Element: BitwiseCopyable>: ~Copyable {
  package let base: UnsafeMutablePointer<Element>
  package let count: Int

  /// Reserves address space for `count` elements.
  ///
  /// Memory that cannot even be reserved is beyond repair for an analysis; it stops with a message.
  @inlinable
  package init(count: Int) {
    let bytes = count * MemoryLayout<Element>.stride
    let flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE
    guard let memory = mmap(nil, bytes, PROT_READ | PROT_WRITE, flags, -1, 0), memory != MAP_FAILED
    else { fatalError("cannot reserve \(bytes) bytes of address space") }
    base = memory.bindMemory(to: Element.self, capacity: count)
    self.count = count
  }

  @inlinable
  deinit { munmap(base, count * MemoryLayout<Element>.stride) }
}
