// Feeds the reader of traces.

import CZlib
import Trace

/// Opens the bytes as a trace and reads all that is in it.
enum TraceTarget {
  static func feed(_ bytes: [UInt8]) {
    let file = MemoryFile()
    file.write(mended(bytes))
    read(file.path)
  }

  static func read(_ path: String) {
    // With and without trust in the index.
    for checking in [TraceChecking.always, .whenRead] {
      guard let trace = try? TraceFile(path: path, checking: checking) else { continue }
      readAll(trace)
      readRanges(trace)
      _ = trace.damage.map(\.explanation)
    }
  }

  private static func readAll(_ trace: TraceFile) {
    for addresses in [false, true] {
      var live: Set<UInt32> = []
      try? trace.read(addresses: addresses) { batch in
        for request in batch {
          precondition(request.thread.index < trace.threads.count)
          precondition(request.stack.index < trace.stacks.count)
          check(request, &live)
        }
      }
    }
    for stack in 0..<min(trace.stacks.count, 1000) {
      _ = trace.stacks.frames(of: StackID(UInt32(stack))).count
    }
    _ = (trace.modules.count, trace.samples.count, trace.snapshots.count, trace.marks.count)
  }

  /// The second half, the middle, and what lies behind the end.
  private static func readRanges(_ trace: TraceFile) {
    let end = trace.usesTimes ? trace.summary.durationNanoseconds : trace.summary.steps
    for range in [
      TraceRange(from: end / 2), TraceRange(from: end / 3, to: end / 2), TraceRange(from: end),
    ] {
      var live: Set<UInt32> = []
      try? trace.read(in: range, addresses: true) { opening in
        for request in opening.steps { check(request, &live) }
      } _: { batch in
        for request in batch { check(request, &live) }
      }
      _ = try? TraceSlice(of: trace, range).summary.events
    }
  }

  /// What replay relies on: slots begin when they are free, and end when they are not.
  private static func check(_ request: Request, _ live: inout Set<UInt32>) {
    switch request.operation {
    case .allocate, .reallocateEnd:
      precondition(live.insert(request.slot.rawValue).inserted)
      precondition(request.usable >= request.size)
    case .free, .reallocateBegin, .abandon:
      precondition(live.remove(request.slot.rawValue) != nil)
    case .reallocate: precondition(live.contains(request.slot.rawValue))
    default: break
    }
  }

  /// The same with checksums and magic numbers that fit, or nothing would ever get past them: the
  /// head of 16 bytes, and chunks of a head of 64 bytes and a payload (`TraceFormat.md`).
  private static func mended(_ bytes: [UInt8]) -> [UInt8] {
    var bytes = bytes
    guard bytes.count >= 16 else { return bytes }
    store([0x89, 0x4c, 0x41, 0x43, 0x55, 0x4e, 0x41, 0x0a, 1, 0, 0, 0], at: 0, &bytes)
    store(checksum(bytes[..<12]), at: 12, &bytes)
    var offset = 16
    var sequence: UInt32 = 0
    while bytes.count - offset >= 64 {
      store([0x4c, 0x43, 0x6b, 0x89], at: offset, &bytes)
      store(number(sequence), at: offset + 8, &bytes)
      let claimed = (0..<4).reduce(0) { $0 | Int(bytes[offset + 16 + $1]) << ($1 * 8) }
      let payload = min(claimed, bytes.count - offset - 64)
      store(number(UInt32(payload)), at: offset + 16, &bytes)
      store(checksum(bytes[(offset + 64)..<(offset + 64 + payload)]), at: offset + 20, &bytes)
      store(checksum(bytes[offset..<(offset + 60)]), at: offset + 60, &bytes)
      offset += 64 + payload
      sequence += 1
    }
    // The tail: where the index is, how many chunks there are, a checksum, a magic number.
    let tail = bytes.count - 24
    if tail >= offset { store(checksum(bytes[tail..<(tail + 12)]), at: tail + 12, &bytes) }
    return bytes
  }

  private static func store(_ new: [UInt8], at offset: Int, _ bytes: inout [UInt8]) {
    bytes.replaceSubrange(offset..<(offset + new.count), with: new)
  }

  private static func number(_ value: UInt32) -> [UInt8] {
    (0..<4).map { UInt8(truncatingIfNeeded: value >> ($0 * 8)) }
  }

  private static func checksum(_ bytes: ArraySlice<UInt8>) -> [UInt8] {
    bytes.withUnsafeBufferPointer {
      number(UInt32(truncatingIfNeeded: crc32(0, $0.baseAddress, UInt32($0.count))))
    }
  }
}
