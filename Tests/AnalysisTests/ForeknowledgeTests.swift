// The heaps that see a trace before it is replayed, on a real one.

import Allocators
import Analysis
import Foundation
import MemoryUnits
import Testing
import Trace

@Suite struct ForeknowledgeTests {
  private static let path = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .appendingPathComponent("../../Traces/lld.trace").standardizedFileURL.path

  private func measure(_ texts: [String], _ range: TraceRange? = nil) throws -> [HeapMeasures] {
    let trace = try TraceFile(path: Self.path)
    return try Measurement.measure(
      trace: trace, specifications: try texts.map { try HeapSpecification(parsing: $0) },
      slice: try range.map { try TraceSlice(of: trace, $0) })
  }

  /// The most bytes that live, each block rounded up to 16, added up by slot.
  private func load() throws -> Int64 {
    var sizes: [UInt32: Int64] = [:]
    var (live, most) = (Int64(0), Int64(0))
    try TraceFile(path: Self.path).read(addresses: false) { batch in
      for step in batch {
        switch step.operation {
        case .allocate, .reallocate, .reallocateEnd:
          let size = (max(step.size.rawValue, 1) + 15) / 16 * 16
          live += size - (sizes.updateValue(size, forKey: step.slot.rawValue) ?? 0)
          most = max(most, live)
        case .free, .reallocateBegin, .abandon:
          live -= sizes.removeValue(forKey: step.slot.rawValue) ?? 0
        default: break
        }
      }
    }
    return most
  }

  @Test("bounds every heap from below, and comes close to the bound")
  func offlineOptimum() throws {
    let heaps = try measure(["offline-optimum", "best-fit(trim=always)", "buddy"])
    let bound = try #require(heaps[0].lowerBound)
    let load = try load()
    #expect(bound.peakResident.rawValue == (load + 4095) / 4096 * 4096)
    for heap in heaps {
      #expect(heap.peakResident >= bound.peakResident)
      #expect(heap.meanResident >= bound.meanResident)
      #expect(heap.meanResident >= heaps[0].meanResident)
    }
    #expect(heaps[1].lowerBound == nil)
    #expect(Double(heaps[0].peakResident.rawValue) < 1.02 * Double(bound.peakResident.rawValue))
    #expect(heaps[0].peakHeld == heaps[0].peakResident)
    #expect(heaps[0].work.failures == 0)
  }

  @Test("plans a range of a trace with what lives at its beginning")
  func range() throws {
    let duration = try TraceFile(path: Self.path).summary.durationNanoseconds
    let range = TraceRange(from: duration / 2, to: duration / 4 * 3)
    let heaps = try measure(["offline-optimum", "first-fit", "by-lifetime/first-fit"], range)
    let bound = try #require(heaps[0].lowerBound)
    #expect(heaps[0].events == heaps[1].events)
    #expect(heaps[0].peakResident >= bound.peakResident)
    #expect(heaps[0].meanResident >= bound.meanResident)
    #expect(heaps[0].work.failures == 0)
    #expect(heaps[2].events == heaps[1].events)
  }

  @Test("keeps sites apart by what the trace says of them")
  func byLifetime() throws {
    let heaps = try measure([
      "first-fit", "by-lifetime(split=64k,learn=50%)/first-fit",
      "by-lifetime(split=64k,oracle=yes)/first-fit", "by-lifetime(split=1T)/first-fit",
    ])
    // Nothing is so old after a tenth of the trace: all blocks go to one heap.
    #expect(heaps[3].work == heaps[0].work)
    #expect(heaps[1].work != heaps[0].work)
    #expect(heaps[2].work != heaps[1].work)
    for heap in heaps { #expect(heap.peakLive == heaps[0].peakLive) }
  }
}
