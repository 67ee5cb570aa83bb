// Free blocks by thread and size class.

/// A stack of free blocks for each thread and class, made when a thread first needs one.
///
/// Threads whose number is 4096 or more share the caches of the threads below, by their number
/// modulo 4096, which bounds the memory.
@usableFromInline
struct ThreadCaches: ~Copyable {
  static var threadLimit: Int { 4096 }

  private let classCount: Int
  private let threads: UnsafeMutablePointer<UnsafeMutablePointer<AddressStack>?>

  init(classCount: Int) {
    self.classCount = classCount
    threads = .allocate(capacity: Self.threadLimit)
    threads.initialize(repeating: nil, count: Self.threadLimit)
  }

  @usableFromInline deinit {
    for thread in 0..<Self.threadLimit {
      guard let stacks = threads[thread] else { continue }
      for sizeClass in 0..<classCount { stacks[sizeClass].deallocate() }
      LazyMemory.unmap(UnsafeMutableRawPointer(stacks), byteCount: byteCount)
    }
    threads.deallocate()
  }

  /// The number under which a thread has its caches.
  static func slot(of thread: UInt32) -> UInt32 { thread % UInt32(threadLimit) }

  /// The stack of a thread, by slot, and class.
  func stack(_ slot: UInt32, _ sizeClass: UInt32) -> UnsafeMutablePointer<AddressStack> {
    if let stacks = threads[Int(slot)] { return stacks + Int(sizeClass) }
    let stacks = LazyMemory.map(byteCount: byteCount)
      .bindMemory(to: AddressStack.self, capacity: classCount)
    threads[Int(slot)] = stacks
    return stacks + Int(sizeClass)
  }

  private var byteCount: Int { classCount * MemoryLayout<AddressStack>.stride }
}
