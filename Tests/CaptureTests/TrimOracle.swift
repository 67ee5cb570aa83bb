// What malloc_trim(0) will give back, computed from a trace alone.
//
// Free chunks are not read anywhere: they are what live blocks and cached blocks leave of a heap.
// malloc_trim first merges all of them, then returns the whole pages inside each, and the end of the
// main heap (`mtrim` and `systrim` in glibc's malloc.c, 2.36).

import MemoryUnits
import Trace

/// The chunks of a heap at the moment of a snapshot, and what a trim makes of them.
struct TrimOracle {
  /// Bytes of the pages that will be given back.
  private(set) var yield: UInt64 = 0
  /// Free chunks that give any.
  private(set) var chunks = 0
  /// Gaps that are no chunk: something lies there that the trace does not know.
  private(set) var strange = 0

  private let present: [Range<UInt64>]
  private var occupied: [Range<UInt64>] = []

  private static let page: UInt64 = 4096
  private static let chunkHead: UInt64 = 16

  init(_ file: TraceFile, at snapshot: Snapshot) throws {
    present = snapshot.pages.present.map { $0.lowerBound.rawValue..<$0.upperBound.rawValue }
    for (address, usable) in try Self.liveBlocks(of: file, before: snapshot.steps.lowerBound) {
      occupy(address, usable: UInt64(usable))
    }
    for cache in snapshot.threadCaches ?? [] {
      if cache.structure != .zero { occupy(cache.structure.rawValue, usable: 0x290 - 8) }
      for bin in cache.bins ?? [] {
        for block in bin.blocks { occupy(block.rawValue, usable: UInt64(bin.usable.rawValue)) }
      }
    }
    occupied.sort { $0.lowerBound < $1.lowerBound }
    if let heap = snapshot.heapRange {
      trim(heap.lowerBound.rawValue, heap.upperBound.rawValue, isMain: true, isLast: true)
    }
    trimArenas(snapshot)
  }

  /// Address and usable bytes of the blocks that live after so many steps.
  private static func liveBlocks(of file: TraceFile, before end: UInt64) throws -> [UInt64: Int64] {
    var usable: [UInt64: Int64] = [:]
    var addresses: [UInt32: UInt64] = [:]
    var step: UInt64 = 0
    try file.read(addresses: true) { batch in
      for request in batch where step < end {
        step += 1
        let slot = request.slot.rawValue
        switch request.operation {
        case .free, .abandon, .reallocateBegin, .reallocate:
          if let address = addresses.removeValue(forKey: slot) { usable[address] = nil }
        default: break
        }
        switch request.operation {
        case .allocate, .reallocate, .reallocateEnd:
          addresses[slot] = request.address.rawValue
          usable[request.address.rawValue] = request.usable.rawValue
        default: break
        }
      }
    }
    return usable
  }

  private mutating func occupy(_ block: UInt64, usable: UInt64) {
    occupied.append(block - Self.chunkHead..<block - Self.chunkHead + usable + 8)
  }

  private mutating func trimArenas(_ snapshot: Snapshot) {
    var previous: Set<UInt64> = []
    for mapping in snapshot.mappings {
      if case .arenaHeap(let heap) = mapping.kind { previous.insert(heap.previous.rawValue) }
    }
    for mapping in snapshot.mappings {
      guard case .arenaHeap(let heap) = mapping.kind else { continue }
      let base = mapping.range.lowerBound.rawValue
      // The first heap begins with the arena itself.
      let start = base + (heap.previous == .zero ? 0x8d0 : 0x30)
      let isLast = !previous.contains(base)
      trim(
        start, base + UInt64(heap.used.rawValue) - (isLast ? 0 : 32), isMain: false, isLast: isLast)
    }
  }

  /// Goes through one heap, from its first chunk to the end of its last.
  private mutating func trim(_ start: UInt64, _ end: UInt64, isMain: Bool, isLast: Bool) {
    var cursor = start
    for chunk in occupied where chunk.lowerBound >= start && chunk.upperBound <= end {
      if chunk.lowerBound < cursor { strange += 1 }
      if chunk.lowerBound > cursor { free(cursor, chunk.lowerBound - cursor) }
      cursor = max(cursor, chunk.upperBound)
    }
    guard cursor < end else { return }
    if isMain {
      // The top chunk keeps a least size and a byte.
      give(end - (end - cursor - 33) / Self.page * Self.page, end)
    } else if !isLast {
      free(cursor, end - cursor)
    }
  }

  /// A free chunk: its whole pages go, but for the words in which it is linked.
  private mutating func free(_ chunk: UInt64, _ size: UInt64) {
    if size < 32 || size % 16 != 0 { strange += 1 }
    guard size > Self.page - 1 + 48 else { return }
    let first = (chunk + 48 + Self.page - 1) / Self.page * Self.page
    guard first - chunk < size, size - (first - chunk) > Self.page - 1 else { return }
    give(first, first + (size - (first - chunk)) / Self.page * Self.page)
  }

  private mutating func give(_ start: UInt64, _ end: UInt64) {
    guard start < end else { return }
    let bytes = present.reduce(UInt64(0)) { $0 + UInt64($1.clamped(to: start..<end).count) }
    yield += bytes
    if bytes > 0 { chunks += 1 }
  }
}
