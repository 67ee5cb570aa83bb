// Snapshots on their way into the file.

import MemoryUnits

/// The snapshots that no chunk holds yet, and the paths that the trace knows by number.
struct SnapshotTable {
  private var pending = PendingTable()
  private var paths: [String: UInt64] = [:]

  /// What an entry of the table is.
  ///
  /// The raw values are part of the format.
  enum Entry: UInt8 {
    case path = 0
    case snapshot = 1
  }

  /// An entry has at most so many bytes, so that it always finds room in a section.
  static let maximumEntryBytes = 1 << 21
  /// Paths that have a number; later ones stay nameless.
  static let maximumPaths = 1 << 16
  /// Whole pages and their numbers need no more than 52 bits.
  static let pageBits: UInt64 = 12

  var isFull: Bool { pending.isFull }

  mutating func write(to output: ChunkOutput, _ header: @autoclosure () -> ChunkHeader) {
    pending.write(to: output, header())
  }

  /// Adds a snapshot, and before it the paths that are new.
  ///
  /// One that is too large loses its pages, which then count as unknown, and then its mappings; so
  /// does one whose pages, or mappings, are not in order.
  mutating func add(_ snapshot: Snapshot) {
    var snapshot = snapshot
    if !Self.isAscending(snapshot.pages.present) || !Self.isAscending(snapshot.pages.swapped) {
      snapshot.pages = PagePresence()
    }
    if !Self.isAscending(snapshot.mappings.lazy.map(\.range)) { snapshot.mappings = [] }
    var bytes = encoded(snapshot)
    if bytes.count > Self.maximumEntryBytes {
      snapshot.pages = PagePresence()
      snapshot.threadCaches = nil
      bytes = encoded(snapshot)
    }
    if bytes.count > Self.maximumEntryBytes {
      snapshot.mappings = []
      bytes = encoded(snapshot)
    }
    pending.sink.bytes.append(contentsOf: bytes)
  }

  /// Whether the ranges follow each other, none of them empty.
  private static func isAscending(_ ranges: some Sequence<Range<Address>>) -> Bool {
    var end = Address.zero
    for range in ranges {
      guard range.lowerBound >= end, !range.isEmpty else { return false }
      end = range.upperBound
    }
    return true
  }

  private mutating func encoded(_ snapshot: Snapshot) -> [UInt8] {
    for mapping in snapshot.mappings {
      switch mapping.kind {
      case .file(let path, _), .zeroedData(let path): introduce(path)
      default: break
      }
    }
    var sink = ByteSink()
    sink.bytes.append(Entry.snapshot.rawValue)
    sink.snapshot(snapshot) { paths[$0] ?? 0 }
    return sink.bytes
  }

  /// Gives a path its number; 0 is the empty one.
  private mutating func introduce(_ path: String) {
    guard !path.isEmpty, paths[path] == nil, paths.count < Self.maximumPaths else { return }
    let number = UInt64(paths.count) + 1
    paths[path] = number
    pending.sink.bytes.append(Entry.path.rawValue)
    pending.sink.varint(number)
    pending.sink.name(path)
  }
}

extension ByteSink {
  fileprivate mutating func snapshot(_ snapshot: Snapshot, number: (String) -> UInt64) {
    varint(snapshot.time.nanoseconds)
    varint(max(snapshot.endTime, snapshot.time).nanoseconds - snapshot.time.nanoseconds)
    varint(snapshot.steps.lowerBound)
    varint(snapshot.steps.upperBound - snapshot.steps.lowerBound)
    switch snapshot.reason {
    case .start: varint(0)
    case .periodic: varint(1)
    case .growth: varint(2)
    case .exit: varint(3)
    case .mark(let ordinal):
      varint(4)
      varint(ordinal)
    }
    figures(snapshot.memory)
    varint(UInt64(snapshot.mappings.count))
    var end: UInt64 = 0
    for entry in snapshot.mappings { mapping(entry, &end, number) }
    bytes.append(snapshot.pages.source.rawValue)
    ranges(snapshot.pages.present)
    ranges(snapshot.pages.swapped)
    guard let caches = snapshot.threadCaches else { return bytes.append(0) }
    bytes.append(1)
    varint(UInt64(caches.count))
    for cache in caches { threadCache(cache) }
  }

  private mutating func figures(_ memory: MemoryFigures) {
    for figure in [
      memory.resident, memory.residentAnonymous, memory.residentFile, memory.residentShared,
      memory.peakResident, memory.swapped, memory.pageTables,
    ] { size(figure) }
    varint(UInt64(max(0, memory.threads)))
    // 0 stands for unknown.
    for figure in [
      memory.tool, memory.toolAnonymous, memory.proportional, memory.proportionalAnonymous,
    ] { varint(figure.map { Self.magnitude($0) + 1 } ?? 0) }
  }

  private static func magnitude(_ size: ByteCount) -> UInt64 {
    UInt64(max(0, min(size.rawValue, Int64.max - 1)))
  }

  private mutating func size(_ size: ByteCount) { varint(Self.magnitude(size)) }

  private mutating func mapping(
    _ mapping: SnapshotMapping, _ end: inout UInt64, _ number: (String) -> UInt64
  ) {
    pages(mapping.range, &end)
    bytes.append(mapping.permissions.rawValue | (mapping.figures == nil ? 0 : 0x80))
    switch mapping.kind {
    case .anonymous: bytes.append(0)
    case .heap: bytes.append(1)
    case .arenaHeap(let heap):
      bytes.append(2)
      varint(heap.arena.rawValue)
      varint(heap.previous.rawValue)
      size(heap.used)
    case .mainStack: bytes.append(3)
    case .threadStack(let thread):
      bytes.append(4)
      varint(thread.map { UInt64($0.rawValue) + 1 } ?? 0)
    case .file(let path, let offset):
      bytes.append(5)
      varint(number(path))
      varint(offset)
    case .zeroedData(let path):
      bytes.append(6)
      varint(number(path))
    case .kernel: bytes.append(7)
    case .tool: bytes.append(8)
    }
    guard let figures = mapping.figures else { return }
    size(figures.resident)
    size(figures.anonymous)
    size(figures.swapped)
  }

  /// A range of whole pages: pages since the end of the one before, then its own.
  private mutating func pages(_ range: Range<Address>, _ end: inout UInt64) {
    let lower = range.lowerBound.rawValue >> SnapshotTable.pageBits
    let upper = range.upperBound.rawValue >> SnapshotTable.pageBits
    varint(lower &- end)
    varint(upper &- lower)
    end = upper
  }

  private mutating func ranges(_ ranges: [Range<Address>]) {
    varint(UInt64(ranges.count))
    var end: UInt64 = 0
    for range in ranges { pages(range, &end) }
  }

  private mutating func threadCache(_ cache: ThreadCache) {
    varint(UInt64(cache.thread.rawValue))
    varint(cache.structure.rawValue)
    guard let bins = cache.bins else { return varint(0) }
    varint(UInt64(bins.count) + 1)
    var last = cache.structure.rawValue
    for bin in bins {
      size(bin.usable)
      varint(UInt64(bin.blocks.count))
      for block in bin.blocks {
        varint(zigzag(Int64(bitPattern: block.rawValue &- last)))
        last = block.rawValue
      }
    }
  }
}
