// The lifetimes that google/minimalloc places, and its solutions.

import MemoryUnits
import Trace

/// Reads `id,lower,upper,size` and, in any order, `alignment` and `offset`.
///
/// A block lives from `lower` up to, and not including, `upper`, in units that only the source knows:
/// each is taken for a microsecond. With an offset, which solutions have, addresses are known. The
/// lines are in no order, so all are held in memory and sorted.
struct MinimallocImporter: LineImporter {
  /// Later moments cannot be told from each other in a trace.
  private static let latest: Int64 = 1 << 50
  /// Where a solution's offset 0 is laid: address 0 is none.
  private static let base: UInt64 = 1 << 32

  private struct Block {
    var lower: Int64
    var upper: Int64
    var size: UInt64
    var alignment: UInt64
    var offset: UInt64
    var line: UInt64
  }

  private enum Column { case lower, upper, size, alignment, offset }

  private let builder: ImportBuilder
  private var columns: [Column?] = []
  private var blocks: [Block] = []

  init(_ builder: ImportBuilder, _ options: ImportOptions) {
    self.builder = builder
    builder.summary.knowledge = SourceKnowledge()
    builder.note("the times of a lifetime are units of the source, a microsecond each in the trace")
  }

  mutating func read(_ line: LineCursor, number: UInt64) throws(ImportError) -> SkipReason? {
    guard !columns.isEmpty else {
      try readHead(line, number)
      return nil
    }
    var line = line
    var block = Block(lower: 0, upper: 0, size: 0, alignment: 0, offset: 0, line: number)
    var column = 0
    while true {
      guard var field = line.csvField() else { return .malformed }
      if column < columns.count, let meaning = columns[column] {
        guard let value = field.signed(), field.isBlank else { return .malformed }
        guard value.magnitude <= Self.latest, Self.set(meaning, value, &block) else {
          return .outOfRange
        }
      }
      column += 1
      guard line.take(0x2c) else { break }
    }
    guard column >= columns.count, block.lower < block.upper else { return .malformed }
    guard block.size <= ImportBuilder.largestSize else { return .outOfRange }
    blocks.append(block)
    return nil
  }

  private mutating func readHead(_ line: LineCursor, _ number: UInt64) throws(ImportError) {
    var line = line
    _ = line.take("\u{feff}")
    while let field = line.csvField() {
      switch field.text {
      case "lower", "begin", "start": columns.append(.lower)
      case "upper", "end": columns.append(.upper)
      case "size": columns.append(.size)
      case "alignment": columns.append(.alignment)
      case "offset": columns.append(.offset)
      default: columns.append(nil)
      }
      guard line.take(0x2c) else { break }
    }
    guard columns.contains(.lower), columns.contains(.upper), columns.contains(.size) else {
      throw .malformedLine(
        path: builder.sourceName, line: number, expected: ImportFormat.minimalloc.example)
    }
    builder.summary.knowledge.addresses = columns.contains(.offset)
  }

  private static func set(_ column: Column, _ value: Int64, _ block: inout Block) -> Bool {
    switch column {
    case .lower: block.lower = value
    case .upper: block.upper = value
    case .size where value >= 0: block.size = UInt64(value)
    case .alignment where value >= 0: block.alignment = UInt64(value)
    case .offset where value >= 0: block.offset = UInt64(value)
    default: return false
    }
    return true
  }

  mutating func finish() throws(ImportError) {
    let byStart = blocks.indices.sorted { (blocks[$0].lower, $0) < (blocks[$1].lower, $1) }
    let byEnd = blocks.indices.sorted { (blocks[$0].upper, $0) < (blocks[$1].upper, $1) }
    guard let first = byStart.first.map({ blocks[$0].lower }) else { return }
    let knowsAddresses = builder.summary.knowledge.addresses
    var ended = byEnd.startIndex
    func endAll(until time: Int64) {
      while ended < byEnd.count, blocks[byEnd[ended]].upper <= time {
        let block = byEnd[ended]
        builder.setUnits(blocks[block].upper &- first)
        if let reason = builder.free(
          block: UInt64(block), entry: .unknown, thread: builder.onlyThread)
        {
          builder.skip(blocks[block].line, reason)
        }
        ended += 1
      }
    }
    for index in byStart {
      let block = blocks[index]
      endAll(until: block.lower)
      builder.setUnits(block.lower &- first)
      let address = knowsAddresses ? Address(Self.base + block.offset) : nil
      if let reason = builder.allocate(
        block: UInt64(index), block.size, at: address, alignment: block.alignment,
        stack: .unknown, thread: builder.onlyThread)
      {
        builder.skip(block.line, reason)
      }
    }
    endAll(until: .max)
    builder.summary.knowledge.times = false
  }
}

extension ImportBuilder {
  /// Sets the moment of the next requests, in units of the source from its beginning.
  fileprivate func setUnits(_ units: Int64) {
    setTime(UInt64(max(0, units)) &* TraceMetadata.nanosecondsPerStep)
  }
}

extension LineCursor {
  /// A whole number, perhaps negative, after any spaces.
  fileprivate mutating func signed() -> Int64? {
    skipSpaces()
    let isNegative = take(0x2d)
    guard let value = decimal(), value <= UInt64(Int64.max) else { return nil }
    return isNegative ? -Int64(value) : Int64(value)
  }
}
