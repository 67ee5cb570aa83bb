// Snapshots as they come out of the file again.

import MemoryUnits

/// The snapshots of a trace as they grow from chunk to chunk.
struct SnapshotReader: Sendable {
  private(set) var snapshots: [Snapshot] = []
  /// By number; those whose chunk is lost are not there, and their mappings stay nameless.
  private var paths: [UInt64: String] = [:]

  /// Adds what a chunk holds, as far as it makes sense; returns what is wrong, or nil.
  mutating func add(_ payload: ChunkPayload) -> String? {
    var source = payload.source(.body)
    while let code = source.byte() {
      switch SnapshotTable.Entry(rawValue: code) {
      case .path:
        guard let number = source.varint(), let name = source.string() else {
          return "a path is incomplete"
        }
        paths[number] = String(decoding: name, as: UTF8.self)
      case .snapshot:
        guard let snapshot = source.snapshot(path: { paths[$0] ?? "" }) else {
          return "a snapshot is incomplete or makes no sense"
        }
        snapshots.append(snapshot)
      case nil:
        return "an entry belongs to a later version of the format"
      }
    }
    return nil
  }
}

extension ByteSource {
  fileprivate mutating func snapshot(path: (UInt64) -> String) -> Snapshot? {
    guard let time = varint(), let duration = varint(), time <= UInt64.max - duration,
      let firstStep = varint(), let steps = varint(), firstStep <= UInt64.max - steps,
      let reason = reason(), let memory = figures(), let mappingCount = varint()
    else { return nil }
    var mappings: [SnapshotMapping] = []
    var end: UInt64 = 0
    for _ in 0..<mappingCount {
      guard let mapping = mapping(&end, path) else { return nil }
      mappings.append(mapping)
    }
    guard let source = byte().flatMap(PagePresence.Source.init(rawValue:)), let present = ranges(),
      let swapped = ranges(), let hasCaches = byte(), hasCaches <= 1
    else { return nil }
    var caches: [ThreadCache]?
    if hasCaches == 1 {
      guard let read = threadCaches() else { return nil }
      caches = read
    }
    return Snapshot(
      time: Timestamp(nanoseconds: time), endTime: Timestamp(nanoseconds: time + duration),
      steps: firstStep..<firstStep + steps, reason: reason, memory: memory, mappings: mappings,
      pages: PagePresence(source: source, present: present, swapped: swapped),
      threadCaches: caches)
  }

  private mutating func reason() -> SnapshotReason? {
    switch varint() {
    case 0: .start
    case 1: .periodic
    case 2: .growth
    case 3: .exit
    case 4: varint().map { .mark($0) }
    default: nil
    }
  }

  private mutating func size() -> ByteCount? {
    varint().flatMap { Int64(exactly: $0) }.map { ByteCount($0) }
  }

  private mutating func figures() -> MemoryFigures? {
    var memory = MemoryFigures()
    guard let resident = size(), let anonymous = size(), let file = size(), let shared = size(),
      let peak = size(), let swapped = size(), let tables = size(),
      let threads = varint(), threads <= UInt32.max, let tool = size(),
      let toolAnonymous = size(), let proportional = size(), let proportionalAnonymous = size()
    else { return nil }
    memory.resident = resident
    memory.residentAnonymous = anonymous
    memory.residentFile = file
    memory.residentShared = shared
    memory.peakResident = peak
    memory.swapped = swapped
    memory.pageTables = tables
    memory.threads = Int(threads)
    // 0 stands for unknown.
    func known(_ figure: ByteCount) -> ByteCount? { figure == .zero ? nil : figure - 1 }
    memory.tool = known(tool)
    memory.toolAnonymous = known(toolAnonymous)
    memory.proportional = known(proportional)
    memory.proportionalAnonymous = known(proportionalAnonymous)
    return memory
  }

  private mutating func mapping(_ end: inout UInt64, _ path: (UInt64) -> String)
    -> SnapshotMapping?
  {
    guard let range = pages(&end), let flags = byte(), let kind = kind(path) else { return nil }
    var mapping = SnapshotMapping(
      range: range, permissions: SnapshotMapping.Permissions(rawValue: flags & 0x7f), kind: kind)
    if flags & 0x80 != 0 {
      guard let resident = size(), let anonymous = size(), let swapped = size() else { return nil }
      mapping.figures = SnapshotMapping.Figures(
        resident: resident, anonymous: anonymous, swapped: swapped)
    }
    return mapping
  }

  private mutating func kind(_ path: (UInt64) -> String) -> SnapshotMapping.Kind? {
    switch byte() {
    case 0: return .anonymous
    case 1: return .heap
    case 2:
      guard let arena = varint(), let previous = varint(), let used = size() else { return nil }
      return .arenaHeap(
        SnapshotMapping.ArenaHeap(
          arena: Address(arena), previous: Address(previous), used: used))
    case 3: return .mainStack
    case 4:
      guard let thread = varint(), thread <= UInt32.max else { return nil }
      return .threadStack(thread: thread == 0 ? nil : ThreadIndex(UInt32(thread - 1)))
    case 5:
      guard let number = varint(), let offset = varint() else { return nil }
      return .file(path: path(number), offset: offset)
    case 6: return varint().map { .zeroedData(path: path($0)) }
    case 7: return .kernel
    case 8: return .tool
    default: return nil
    }
  }

  /// A range of at least one page, all below the end of the address space.
  private mutating func pages(_ end: inout UInt64) -> Range<Address>? {
    let limit = UInt64.max >> SnapshotTable.pageBits
    guard let gap = varint(), gap <= limit - end, let count = varint(), count > 0,
      count <= limit - end - gap
    else { return nil }
    let lower = end + gap
    end = lower + count
    return Address(lower << SnapshotTable.pageBits)..<Address(end << SnapshotTable.pageBits)
  }

  private mutating func ranges() -> [Range<Address>]? {
    guard let count = varint() else { return nil }
    var ranges: [Range<Address>] = []
    var end: UInt64 = 0
    for _ in 0..<count {
      guard let range = pages(&end) else { return nil }
      ranges.append(range)
    }
    return ranges
  }

  private mutating func threadCaches() -> [ThreadCache]? {
    guard let count = varint() else { return nil }
    var caches: [ThreadCache] = []
    for _ in 0..<count {
      guard let thread = varint(), thread <= UInt32.max, let structure = varint(),
        let binCount = varint()
      else { return nil }
      var bins: [ThreadCache.Bin] = []
      var last = structure
      if binCount > 0 {
        for _ in 1..<binCount {
          guard let bin = bin(&last) else { return nil }
          bins.append(bin)
        }
      }
      caches.append(
        ThreadCache(
          thread: ThreadIndex(UInt32(thread)), structure: Address(structure),
          bins: binCount == 0 ? nil : bins))
    }
    return caches
  }

  private mutating func bin(_ last: inout UInt64) -> ThreadCache.Bin? {
    guard let usable = size(), let count = varint() else { return nil }
    var blocks: [Address] = []
    for _ in 0..<count {
      guard let difference = varint() else { return nil }
      last = last &+ UInt64(bitPattern: unzigzag(difference))
      blocks.append(Address(last))
    }
    return ThreadCache.Bin(usable: usable, blocks: blocks)
  }
}
