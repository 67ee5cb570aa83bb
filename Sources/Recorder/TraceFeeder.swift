// Hands records over to the trace file: stacks, threads and modules get their names there.

import CaptureABI
import MemoryUnits
import Trace

/// Turns ring records into the steps of a trace.
struct TraceFeeder {
  let writer: TraceWriter
  private let segment: Segment
  var threads: ThreadRegister
  /// For each node of the segment, its number in the trace; 0 where it is not there yet.
  private var nodeNumbers: [UInt32] = []
  /// For each node of the segment, the stack that ends there, and with which entry point.
  private var stacks: [(entry: UInt8, stack: StackID)] = []
  private var modulesSeen = 0
  private var knownModules: [Module] = []
  private var lastBreak: UInt64 = 0
  private var pools: [UInt64: PoolID] = [:]
  private static let poolLimit = 1 << 20
  private var arenaHeaps = ArenaHeaps()

  init(writer: TraceWriter, segment: Segment) {
    self.writer = writer
    self.segment = segment
    threads = ThreadRegister(writer: writer)
  }

  // MARK: Steps

  /// Passes on a plain allocation or a plain release; false, and without effect, for any other
  /// record, and for one that contradicts what is known of its block.
  @inline(__always)
  mutating func feedPlain(
    _ cursor: UnsafeMutablePointer<RingCursor>, _ time: Timestamp, _ writer: TraceWriter
  ) -> Bool {
    let record = UnsafePointer(cursor).pointer(to: \.record).unsafelyUnwrapped
    switch record.pointee.kind {
    case .allocate:
      return writer.allocateIfFree(
        address: Address(record.pointee.address), size: Self.count(record.pointee.size),
        usable: Self.count(record.pointee.usable), alignmentShift: record.pointee.alignmentShift,
        stack: stack(record.pointee.node, record.pointee.entry, writer),
        thread: cursor.pointee.thread, time: time)
    case .free:
      return writer.freeIfLive(
        address: Address(record.pointee.address),
        entry: EntryPoint(rawValue: record.pointee.entry) ?? .free,
        thread: cursor.pointee.thread, time: time)
    default: return false
    }
  }

  /// Passes one record on.
  ///
  /// `whole` says of a reallocation that nothing came between its halves; `text` is the name that a
  /// mark gives. The writer is passed along so that no references are counted.
  mutating func feed(
    _ record: RingRecord, thread: ThreadIndex, time: Timestamp, whole: Bool, text: [UInt8],
    into writer: TraceWriter
  ) {
    let address = Address(record.address)
    switch record.kind {
    case .allocate:
      writer.allocate(
        address: address, size: Self.count(record.size), usable: Self.count(record.usable),
        alignmentShift: record.alignmentShift, stack: stack(record.node, record.entry, writer),
        thread: thread,
        time: time)
    case .free:
      writer.free(
        address: address, entry: EntryPoint(rawValue: record.entry) ?? .free, thread: thread,
        time: time)
    case .reallocate:
      let old = Address(record.oldAddress)
      if record.address == 0 {
        writer.free(address: old, thread: thread, time: time)
      } else if whole {
        writer.reallocate(
          old: old, new: address, size: Self.count(record.size),
          usable: Self.count(record.usable), stack: stack(record.node, record.entry, writer),
          thread: thread,
          time: time)
      } else {
        writer.reallocateBegin(old: old, thread: thread, time: time)
      }
    case .reallocateEnd:
      writer.reallocateEnd(
        new: address, size: Self.count(record.size), usable: Self.count(record.usable),
        stack: stack(record.node, record.entry, writer), thread: thread, time: time)
    case .moveBreak:
      // Every thread reports what it sees; only the first tells something new.
      guard record.address != lastBreak else { return }
      lastBreak = record.address
      writer.moveBreak(to: address, time: time)
    case .resizeHeap:
      resize(
        arenaHeaps.report(base: record.address, bytes: record.size, detail: record.detail),
        thread: thread, time: time)
    case .system, .pool:
      if let step = sideStep(record, writer) { writer.side(step, thread: thread, time: time) }
    case .mark:
      writer.mark(String(decoding: text, as: UTF8.self), thread: thread, time: time)
    case .image:
      lastBreak = record.address
      if record.size > 0 { writer.replaceImage(time: time) }
      resize(arenaHeaps.removeAll(), thread: thread, time: time)
      writer.startBreak(at: address, time: time)
    }
  }

  private func resize(_ changes: [ArenaHeaps.Change], thread: ThreadIndex, time: Timestamp) {
    for change in changes {
      let range = Address(change.base)..<Address(change.base + change.bytes)
      writer.side(
        .resizeHeap(range: range, isFirst: change.isFirst), thread: thread, time: time)
    }
  }

  /// A record that is about no block, in the trace's terms; nil for what makes no sense.
  private mutating func sideStep(_ record: RingRecord, _ writer: TraceWriter) -> SideStep? {
    let start = Address(record.address)
    let size = Self.count(min(record.size, 1 << 48))
    let range = start..<max(start, start + size)
    if record.kind == .pool {
      let pool = pool(record.oldAddress)
      return record.entry == EntryPoint.poolFree.rawValue
        ? .poolFree(pool: pool, address: start)
        : .poolAllocate(
          pool: pool, address: start, size: size, stack: stack(record.node, record.entry, writer))
    }
    guard let entry = EntryPoint(rawValue: record.entry) else { return nil }
    switch entry {
    case .mmap, .mremap:
      if entry == .mremap, record.detail == 1 { return .unmap(range: range, entry: entry) }
      return .map(
        range: range, traits: MappingTraits(rawValue: UInt32(truncatingIfNeeded: record.detail)),
        stack: stack(record.node, record.entry, writer), entry: entry)
    case .munmap: return .unmap(range: range, entry: entry)
    case .madvise:
      // MADV_FREE is 8; nothing else is recorded but MADV_DONTNEED.
      return .discard(range: range, isLazy: record.detail == 8)
    case .brk, .sbrk: return .setBreak(to: start, entry: entry)
    case .mallocTrim: return .trim(pad: size)
    case .mallopt:
      return .setOption(
        parameter: Int32(truncatingIfNeeded: record.address),
        value: Int64(bitPattern: record.size))
    default: return nil
    }
  }

  /// The number of a pool that the program names by an address of its own.
  private mutating func pool(_ handle: UInt64) -> PoolID {
    if let known = pools[handle] { return known }
    // A program that makes up pools without end gets one for the rest.
    let id = PoolID(UInt32(min(pools.count, Self.poolLimit)))
    if pools.count < Self.poolLimit { pools[handle] = id }
    return id
  }

  private static func count(_ bytes: UInt64) -> ByteCount {
    ByteCount(Int64(truncatingIfNeeded: bytes & 0x7fff_ffff_ffff_ffff))
  }

  // MARK: Stacks

  @inline(__always)
  private mutating func stack(_ node: UInt32, _ entry: UInt8, _ writer: TraceWriter) -> StackID {
    let index = Int(node)
    if index < stacks.count, stacks[index].entry == entry, stacks[index].stack.rawValue != 0 {
      return stacks[index].stack
    }
    return newStack(index, entry, writer)
  }

  @inline(never)
  private mutating func newStack(_ node: Int, _ code: UInt8, _ writer: TraceWriter) -> StackID {
    let entry = EntryPoint(rawValue: code) ?? .unknown
    guard node != 0, node < Int(LACUNA_NODE_CAPACITY) else {
      return writer.stack(node: 0, entry: entry)
    }
    let stack = writer.stack(node: number(of: node), entry: entry)
    while stacks.count <= node { stacks.append((0, .unknown)) }
    stacks[node] = (code, stack)
    return stack
  }

  /// The trace's number for a node of the segment, after its callers have got theirs.
  private mutating func number(of node: Int) -> UInt32 {
    var path: [Int] = []
    var current = node
    // Parents have smaller ids, so this ends also where memory was overwritten.
    while current > 0, known(current) == 0 {
      path.append(current)
      let parent = Int(segment.nodes[current].parent)
      guard parent < current else { break }
      current = parent
    }
    var parentNumber = known(current)
    var image = self.image(ofNode: current)
    for node in path.reversed() {
      let entry = segment.nodes[node]
      if entry.parent == 0 {
        // The root of an image: its address is the image's number.
        image = UInt32(truncatingIfNeeded: entry.return_address)
        parentNumber = 0
        rememberRoot(node, image: image)
        continue
      }
      if entry.return_address != 1 {
        parentNumber = writer.node(
          parent: parentNumber, returnAddress: entry.return_address & 0xffff_ffff_ffff,
          image: image,
          generation: UInt16(entry.return_address >> 48))
      }
      remember(node, parentNumber, image: image)
    }
    return parentNumber
  }

  /// Bit 31 says that the node is known: roots are, with the number 0.
  private static let knownFlag: UInt32 = 1 << 31
  private var images: [UInt32] = []

  private func known(_ node: Int) -> UInt32 {
    node < nodeNumbers.count ? nodeNumbers[node] & ~Self.knownFlag : 0
  }

  private func image(ofNode node: Int) -> UInt32 {
    node < images.count ? images[node] : 0
  }

  private mutating func rememberRoot(_ node: Int, image: UInt32) {
    remember(node, 0, image: image)
  }

  private mutating func remember(_ node: Int, _ number: UInt32, image: UInt32) {
    while nodeNumbers.count <= node {
      nodeNumbers.append(0)
      images.append(0)
    }
    nodeNumbers[node] = number | Self.knownFlag
    images[node] = image
  }

  // MARK: Modules

  /// Takes over the modules that the process has met since the last call.
  mutating func importModules() {
    let count = min(
      Int(lacuna_load32(&segment.header.pointee.module_count)), Int(LACUNA_MODULE_CAPACITY))
    while modulesSeen < count, lacuna_load32(&segment.modules[modulesSeen].ready) == 1 {
      let entry = segment.modules[modulesSeen]
      modulesSeen += 1
      guard entry.start < entry.end else { continue }
      var path = Segment.text(entry.path)
      if path.isEmpty { path = Segment.text(segment.header.pointee.executable) }
      let buildID = withUnsafeBytes(of: entry.build_id) {
        Array($0.prefix(Int(min(entry.build_id_bytes, 20))))
      }
      let module = Module(
        image: entry.image, generation: UInt16(truncatingIfNeeded: entry.generation),
        range: Address(entry.start)..<Address(entry.end), bias: entry.bias,
        path: path, buildID: buildID)
      guard !knownModules.contains(module) else { continue }
      knownModules.append(module)
      writer.module(module)
    }
  }
}
