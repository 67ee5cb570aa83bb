// Snapshots come out of a trace as they went in.

import MemoryUnits
import TestSupport
import Testing
import Trace

/// A snapshot with something of everything in it, drawn by lot.
func randomSnapshot(seed: UInt64) -> Snapshot {
  var random = SeededRandom(seed: seed)
  func number(_ limit: UInt64) -> UInt64 { UInt64.random(in: 0...limit, using: &random) }
  func size() -> ByteCount { ByteCount(Int64(number(UInt64(1) << number(45)))) }
  func ranges(_ count: Int, upTo limit: UInt64) -> [Range<Address>] {
    var page: UInt64 = 0
    return (0..<count).map { _ in
      let lower = page + 1 + number(limit / UInt64(count) / 2)
      page = lower + 1 + number(limit / UInt64(count) / 2 - 2)
      return Address(lower << 12)..<Address(page << 12)
    }
  }
  let reasons: [SnapshotReason] = [.start, .periodic, .growth, .exit, .mark(number(.max))]
  let time = number(1 << 50)
  let step = number(1 << 60)
  var memory = MemoryFigures()
  memory.resident = size()
  memory.residentAnonymous = size()
  memory.residentFile = size()
  memory.residentShared = size()
  memory.peakResident = size()
  memory.swapped = size()
  memory.pageTables = size()
  memory.threads = Int(number(1000))
  if number(1) == 1 { memory.tool = size() }
  if number(1) == 1 { memory.toolAnonymous = .zero }
  if number(1) == 1 { memory.proportional = .zero }
  if number(1) == 1 { memory.proportionalAnonymous = size() }
  let mappings = ranges(Int(number(60)), upTo: (1 << 52) - 1).map { range in
    let kinds: [SnapshotMapping.Kind] = [
      .heap, .mainStack, .threadStack(thread: nil), .threadStack(thread: ThreadIndex(.max - 1)),
      .file(path: "/lib/\(number(9)).so", offset: number(.max)), .file(path: "", offset: 0),
      .zeroedData(path: "/lib/\(number(9)).so"), .kernel, .tool, .anonymous,
      .arenaHeap(
        SnapshotMapping.ArenaHeap(
          arena: Address(number(.max)), previous: Address(number(.max)), used: size())),
    ]
    return SnapshotMapping(
      range: range, permissions: SnapshotMapping.Permissions(rawValue: UInt8(number(127))),
      kind: kinds[Int(number(UInt64(kinds.count - 1)))],
      figures: number(2) == 0
        ? nil : SnapshotMapping.Figures(resident: size(), anonymous: size(), swapped: size()))
  }
  let caches = (0..<Int(number(4))).map { _ in
    ThreadCache(
      thread: ThreadIndex(UInt32(number(UInt64(UInt32.max)))), structure: Address(number(.max)),
      bins: number(4) == 0
        ? nil
        : (0..<Int(number(5))).map { _ in
          ThreadCache.Bin(
            usable: size(), blocks: (0..<Int(number(7))).map { _ in Address(number(.max)) })
        })
  }
  return Snapshot(
    time: Timestamp(nanoseconds: time), endTime: Timestamp(nanoseconds: time + number(1 << 40)),
    steps: step..<step + number(1 << 40), reason: reasons[Int(number(4))], memory: memory,
    mappings: mappings,
    pages: PagePresence(
      source: PagePresence.Source.allCases[Int(number(2))],
      present: ranges(Int(number(300)), upTo: 1 << 36),
      swapped: ranges(Int(number(3)), upTo: 1 << 36)),
    threadCaches: number(3) == 0 ? nil : caches)
}

@Suite struct SnapshotTests {
  let directory = TemporaryDirectory()

  @Test("snapshots of every kind, over several chunks") func roundTrip() throws {
    let path = directory.file("trace")
    let snapshots = (0..<300).map { randomSnapshot(seed: $0) }
    let writer = try TraceWriter(path: path, metadata: TraceMetadata())
    for (index, snapshot) in snapshots.enumerated() {
      writer.snapshot(snapshot)
      if index % 17 == 0 { try writer.flush() }
    }
    try writer.finish()
    let file = try TraceFile(path: path)
    #expect(file.isComplete, "\(file.damage)")
    #expect(file.snapshots.count == snapshots.count)
    for (found, written) in zip(file.snapshots, snapshots) { #expect(found == written) }
  }

  @Test("a trace without snapshots has none") func none() throws {
    let path = directory.file("trace")
    try TraceWriter(path: path, metadata: TraceMetadata()).finish()
    let file = try TraceFile(path: path)
    #expect(file.isComplete && file.snapshots.isEmpty)
  }

  @Test("readers that know no snapshots may skip them") func flag() throws {
    let path = directory.file("trace")
    let writer = try TraceWriter(path: path, metadata: TraceMetadata())
    writer.snapshot(randomSnapshot(seed: 1))
    try writer.finish()
    let bytes = contents(of: path)
    var offset = 16
    var kinds: [UInt8: UInt8] = [:]
    while bytes[offset] == 0x4c, bytes[offset + 1] == 0x43 {
      kinds[bytes[offset + 4]] = bytes[offset + 6]
      let length = (0..<4).reduce(0) { $0 | Int(bytes[offset + 16 + $1]) << ($1 * 8) }
      offset += 64 + length
    }
    let flags = kinds.mapValues { $0 & 1 }
    #expect(flags[9] == 1 && flags[1] == 0)
  }

  @Test("a snapshot that is too large keeps its figures and says that it knows no pages")
  func large() throws {
    let path = directory.file("trace")
    let writer = try TraceWriter(path: path, metadata: TraceMetadata())
    var snapshot = randomSnapshot(seed: 4)
    snapshot.pages = PagePresence(
      source: .pagemapScan,
      present: (1..<1_200_000).map { page in
        Address(UInt64(page) << 13)..<Address(UInt64(page) << 13 + 4096)
      })
    writer.snapshot(snapshot)
    // Many that only just fit make more than one chunk.
    snapshot.pages.present.removeLast(600_000)
    for _ in 0..<6 { writer.snapshot(snapshot) }
    try writer.finish()
    let file = try TraceFile(path: path)
    #expect(file.isComplete, "\(file.damage)")
    #expect(file.snapshots.count == 7)
    let first = try #require(file.snapshots.first)
    #expect(first.pages == PagePresence() && first.threadCaches == nil)
    #expect(first.memory == snapshot.memory && first.mappings == snapshot.mappings)
    #expect(file.snapshots.dropFirst().allSatisfy { $0 == snapshot })
  }

  @Test("an end before the beginning counts as the beginning") func backwards() throws {
    let path = directory.file("trace")
    let writer = try TraceWriter(path: path, metadata: TraceMetadata())
    var snapshot = randomSnapshot(seed: 6)
    snapshot.time = Timestamp(nanoseconds: 50)
    snapshot.endTime = Timestamp(nanoseconds: 40)
    writer.snapshot(snapshot)
    try writer.finish()
    snapshot.endTime = snapshot.time
    #expect(try TraceFile(path: path).snapshots == [snapshot])
  }

  @Test("what is not in order is left out") func disorder() throws {
    let path = directory.file("trace")
    let writer = try TraceWriter(path: path, metadata: TraceMetadata())
    let ranges = [Address(0x5000)..<Address(0x7000), Address(0x6000)..<Address(0x8000)]
    var snapshot = Snapshot(time: .zero, endTime: .zero, steps: 3..<3, reason: .exit)
    let bare = snapshot
    snapshot.pages = PagePresence(source: .pagemap, present: ranges)
    writer.snapshot(snapshot)
    snapshot.pages = PagePresence(source: .pagemap, swapped: [ranges[1], ranges[0]])
    snapshot.mappings = ranges.map {
      SnapshotMapping(range: $0, permissions: .read, kind: .anonymous)
    }
    writer.snapshot(snapshot)
    snapshot.pages.swapped = [Address(0x5000)..<Address(0x5000)]
    writer.snapshot(snapshot)
    try writer.finish()
    let file = try TraceFile(path: path)
    #expect(file.isComplete, "\(file.damage)")
    #expect(file.snapshots == [bare, bare, bare])
  }

  @Test("an ordinary snapshot takes little room") func size() throws {
    func length(_ count: Int) throws -> Int {
      let path = directory.file("trace\(count)")
      let writer = try TraceWriter(path: path, metadata: TraceMetadata())
      for index in 0..<count { writer.snapshot(ordinary(UInt64(index))) }
      try writer.finish()
      return contents(of: path).count
    }
    #expect(try length(1) - length(0) < 2048)
    #expect(try (length(20) - length(1)) / 19 < 1024)
  }

  /// As of a program with thirty libraries, a hundred page ranges and two hundred cached blocks.
  private func ordinary(_ index: UInt64) -> Snapshot {
    var snapshot = randomSnapshot(seed: 9)
    snapshot.mappings = (0..<120).map { number in
      let start: UInt64 = 0x7f12_3450_0000 + UInt64(number) * 0x45_000
      let path = "/usr/lib/x86_64-linux-gnu/library-\(number / 4).so.\(number % 7)"
      return SnapshotMapping(
        range: Address(start)..<Address(start + 0x31_000), permissions: [.read],
        kind: .file(path: path, offset: UInt64(number % 4) << 14),
        figures: .init(resident: ByteCount(4096 * (number % 40)), anonymous: 4096))
    }
    snapshot.pages.present = (0..<100).map { number in
      let start: UInt64 = 0x55aa_0000_0000 + UInt64(number * number) << 12 + index << 14
      return Address(start)..<Address(start + 4096)
    }
    snapshot.threadCaches = [
      ThreadCache(
        thread: ThreadIndex(0), structure: Address(0x55aa_0000_0010),
        bins: (0..<40).map { bin in
          ThreadCache.Bin(
            usable: ByteCount(24 + 16 * bin),
            blocks: (0..<5).map { Address(0x55aa_0001_0000 + UInt64($0 * 7919 * (bin + 1)) << 4) })
        })
    ]
    return snapshot
  }
}
