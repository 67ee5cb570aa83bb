// Looking at the stack of a thread that stands still, for what it may be in the middle of.

/// Searches stacks for code that a thread may return to.
///
/// Every word that points into code is held to be a return address. That rules out too many threads,
/// because stacks are full of old words, but none too few.
struct StackScan {
  private let image: ProcessImage
  /// Code that no frame of the thread may belong to.
  private let forbidden: [ProgramSegments]

  /// How much of a stack is looked at.
  private static let depth = 1 << 20

  init(_ image: ProcessImage, forbidden: [ProgramSegments]) {
    self.image = image
    self.forbidden = forbidden
  }

  func isForbidden(_ address: UInt64) -> Bool { forbidden.contains { $0.isCode(address) } }

  /// Whether the stack above an address contains neither a frame of the forbidden code nor that of
  /// a signal handler, which may have interrupted anything.
  func isClear(from stackPointer: UInt64) -> Bool {
    var position = stackPointer & ~7
    let end = position &+ UInt64(Self.depth)
    var judged: Set<UInt64> = []
    while position < end {
      let count = 4096 - Int(position & 4095)
      // Where the stack ends there is nothing to be read.
      guard let page = image.memory.prefix(at: position, count: count), page.count == count else {
        return true
      }
      for offset in stride(from: 0, to: count, by: 8) {
        guard let word = page.load(UInt64.self, at: offset), image.isCode(word),
          judged.insert(word).inserted
        else { continue }
        if isForbidden(word) || isSignalReturn(word) { return false }
      }
      position &+= UInt64(count)
    }
    return true
  }

  /// Whether an address is the code to which a signal handler returns: rt_sigreturn, number 15.
  private func isSignalReturn(_ address: UInt64) -> Bool {
    guard let code = image.memory.prefix(at: address, count: 9) else { return false }
    let long: [UInt8] = [0x48, 0xc7, 0xc0, 0x0f, 0, 0, 0, 0x0f, 0x05]
    return code == long || code.starts(with: [0xb8, 0x0f, 0, 0, 0, 0x0f, 0x05])
  }
}
