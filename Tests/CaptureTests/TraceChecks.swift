// What must hold of every trace of a real program.

import MemoryUnits
import Testing
import Trace

/// Checks a trace by a model that shares nothing with its reader's bookkeeping: no address is
/// handed out while it lives, every end has a beginning, and the totals are those of the summary.
func checkSound(
  _ file: TraceFile, sourceLocation: SourceLocation = #_sourceLocation
) throws {
  var live: [UInt64: Int64] = [:]
  var addressOf: [UInt32: UInt64] = [:]
  var overlaps = 0
  var unknown = 0
  var last = Timestamp.zero
  var unordered = 0
  try file.read(addresses: true) { batch in
    for request in batch {
      if request.time < last { unordered += 1 }
      last = request.time
      let slot = request.slot.rawValue
      switch request.operation {
      case .allocate, .reallocateEnd:
        if live.updateValue(request.size.rawValue, forKey: request.address.rawValue) != nil {
          overlaps += 1
        }
        addressOf[slot] = request.address.rawValue
      case .free, .reallocateBegin, .abandon:
        guard let address = addressOf.removeValue(forKey: slot),
          live.removeValue(forKey: address) != nil
        else {
          unknown += 1
          continue
        }
      case .reallocate:
        if let old = addressOf[slot] { live.removeValue(forKey: old) } else { unknown += 1 }
        if live.updateValue(request.size.rawValue, forKey: request.address.rawValue) != nil {
          overlaps += 1
        }
        addressOf[slot] = request.address.rawValue
      case .freeUnknown: unknown += 1
      case .moveBreak, .startBreak, .map, .unmap, .discard, .discardLazily, .trim, .setOption,
        .mark, .poolAllocate, .poolFree, .resizeHeap, .setBreak:
        break
      }
    }
  }
  let summary = file.summary
  #expect(overlaps == 0, sourceLocation: sourceLocation)
  #expect(unknown == 0, sourceLocation: sourceLocation)
  #expect(unordered == 0, sourceLocation: sourceLocation)
  #expect(summary.allocationsOfLiveAddress == 0, sourceLocation: sourceLocation)
  #expect(summary.freesOfUnknownAddress == 0, sourceLocation: sourceLocation)
  #expect(summary.lostEvents == 0, sourceLocation: sourceLocation)
  #expect(file.isComplete, "\(file.damage)", sourceLocation: sourceLocation)
  #expect(live.values.reduce(0, +) == summary.liveBytesAtEnd, sourceLocation: sourceLocation)
  #expect(live.count == Int(summary.liveBlocksAtEnd), sourceLocation: sourceLocation)
}
