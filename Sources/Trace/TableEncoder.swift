// Modules, threads and samples on their way into the file; totals, metadata and the index.

import FoundationEssentials
import MemoryUnits

/// Entries of one table that no chunk holds yet, already as bytes.
struct PendingTable {
  var sink = ByteSink()

  /// Chunks are ended when a table has so many bytes, long before the limit of a section.
  var isFull: Bool { sink.bytes.count > TraceFormat.maximumSectionBytes / 4 }

  mutating func write(to output: ChunkOutput, _ header: @autoclosure () -> ChunkHeader) {
    guard !sink.bytes.isEmpty else { return }
    output.section(.body, sink.bytes)
    output.finishChunk(header())
    sink.bytes.removeAll(keepingCapacity: true)
  }
}

extension ByteSink {
  /// A path or name; what is longer than any real one is cut.
  mutating func name(_ text: String) { string(text.utf8.prefix(65_535)) }

  mutating func module(_ module: Module) {
    varint(UInt64(module.image))
    varint(module.range.lowerBound.rawValue)
    varint(module.range.upperBound.rawValue &- module.range.lowerBound.rawValue)
    varint(module.bias)
    name(module.path)
    string(module.buildID.prefix(255))
  }

  mutating func thread(_ index: ThreadIndex, _ thread: ThreadDescription) {
    varint(UInt64(index.rawValue))
    varint(zigzag(Int64(thread.kernelID)))
    name(thread.name)
  }

  mutating func sample(_ sample: ResidentSample) {
    varint(sample.time.nanoseconds)
    varint(zigzag(sample.resident.rawValue))
    varint(zigzag(sample.shared.rawValue))
  }

  mutating func mark(_ mark: MarkDescription) {
    varint(mark.time.nanoseconds)
    varint(UInt64(mark.thread.rawValue))
    name(mark.name)
  }

  mutating func summary(_ summary: TraceSummary) {
    for value in summary.fields { fixed64(value) }
  }

  mutating func index(_ entries: [IndexEntry]) {
    varint(UInt64(entries.count))
    var last: UInt64 = 0
    for entry in entries {
      varint(entry.offset - last)
      varint(UInt64(entry.kind))
      varint(UInt64(entry.steps))
      varint(entry.firstNanoseconds)
      last = entry.offset
    }
  }
}

extension TraceSummary {
  /// The totals in the order of the format.
  ///
  /// New ones are added at the end only.
  var fields: [UInt64] {
    [
      allocations, frees, reallocations, steps, UInt64(bitPattern: peakLiveBytes), peakLiveBlocks,
      peakStep, peakNanoseconds, UInt64(bitPattern: liveBytesAtEnd), liveBlocksAtEnd,
      durationNanoseconds, lostEvents, allocationsOfLiveAddress, freesOfUnknownAddress,
      truncatedStacks, freesOfEarlierBlocks,
    ]
  }

  /// Reads totals; those that an older writer did not know are zero.
  init(fields: [UInt64]) {
    self.init()
    func field(_ index: Int) -> UInt64 { index < fields.count ? fields[index] : 0 }
    allocations = field(0)
    frees = field(1)
    reallocations = field(2)
    steps = field(3)
    peakLiveBytes = Int64(bitPattern: field(4))
    peakLiveBlocks = field(5)
    peakStep = field(6)
    peakNanoseconds = field(7)
    liveBytesAtEnd = Int64(bitPattern: field(8))
    liveBlocksAtEnd = field(9)
    durationNanoseconds = field(10)
    lostEvents = field(11)
    allocationsOfLiveAddress = field(12)
    freesOfUnknownAddress = field(13)
    truncatedStacks = field(14)
    freesOfEarlierBlocks = field(15)
  }
}

extension TraceMetadata {
  /// The metadata as JSON, keys in order, so that the same trace has the same bytes.
  var json: [UInt8] {
    var finite = self
    if !startedAt.isFinite { finite.startedAt = 0 }
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    guard let data = try? encoder.encode(finite) else { return Array("{}".utf8) }
    return Array(data)
  }

  /// Reads metadata from JSON; what it does not say keeps its default.
  init?(json: UnsafeBufferPointer<UInt8>) {
    guard let metadata = try? JSONDecoder().decode(Self.self, from: Data(json)) else { return nil }
    self = metadata
  }
}
