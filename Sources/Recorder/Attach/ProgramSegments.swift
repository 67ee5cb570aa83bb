// The segments of a mapped file: where it lies, what can be executed, where its tables are.

/// What the program headers of a file in memory say.
struct ProgramSegments {
  /// What the loader added to the addresses in the file.
  let bias: UInt64
  /// The addresses from the first segment's begin to the last one's end.
  private(set) var range: Range<UInt64> = 0..<0
  private(set) var executable: [Range<UInt64>] = []
  /// What the loader makes read-only after it has bound the module.
  private(set) var readOnlyAfterwards: Range<UInt64> = 0..<0
  /// Where the dynamic section lies, without the bias; nil in a static program.
  private(set) var dynamic: UInt64?

  /// Whether the program has a loader.
  private(set) var hasInterpreter = false

  /// Reads the headers of a file whose first page is mapped at `base`.
  init(_ memory: RemoteMemory, base: UInt64) throws(AttachError) {
    let header = try memory.bytes(at: base, count: 64)
    guard header.starts(with: [0x7f, 0x45, 0x4c, 0x46]),
      let offset = header.load(UInt64.self, at: 32), let count = header.load(UInt16.self, at: 56)
    else { throw .unreadable("no ELF header at \(RemoteMemory.hexadecimal(base))") }
    bias = base
    let bytes = try memory.bytes(at: base &+ offset, count: Int(count) * 56)
    read(bytes)
  }

  /// Reads the headers at an address; the file's own entry for them tells the bias.
  init(_ memory: RemoteMemory, headers: UInt64, count: Int) throws(AttachError) {
    let bytes = try memory.bytes(at: headers, count: count * 56)
    var bias: UInt64 = 0
    for offset in stride(from: 0, to: bytes.count, by: 56) {
      if bytes.load(UInt32.self, at: offset) == 6,
        let own = bytes.load(UInt64.self, at: offset + 16)
      {
        bias = headers &- own
      }
    }
    self.bias = bias
    read(bytes)
  }

  private mutating func read(_ bytes: [UInt8]) {
    var low = UInt64.max
    var high: UInt64 = 0
    for offset in stride(from: 0, to: bytes.count, by: 56) {
      guard let type = bytes.load(UInt32.self, at: offset),
        let flags = bytes.load(UInt32.self, at: offset + 4),
        let address = bytes.load(UInt64.self, at: offset + 16),
        let size = bytes.load(UInt64.self, at: offset + 40)
      else { continue }
      let start = bias &+ address
      guard size < 1 << 47, start < 1 << 47 else { continue }
      switch type {
      case 1:
        low = min(low, start)
        high = max(high, start + size)
        if flags & 1 != 0 { executable.append(start..<start + size) }
      case 2: dynamic = address
      case 3: hasInterpreter = true
      case 0x6474_e552: readOnlyAfterwards = start..<start + size
      default: break
      }
    }
    if low < high { range = low..<high }
  }

  /// Whether an address lies in code of the file.
  func isCode(_ address: UInt64) -> Bool {
    executable.contains { $0.contains(address) }
  }
}
