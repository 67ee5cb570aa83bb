// Measures how fast a trace is written and read, in processor time of one core: Scripts/bench compiles
// this against the built modules. Usage: trace-speed TRACE SCRATCH-FILE RUNS
// Prints four numbers: millions of events a second written, read without addresses, read with them,
// and copied as plain records from memory to memory, each of the fastest of RUNS runs.

import Glibc
import MemoryUnits
import Trace

func seconds(_ body: () throws -> Void) rethrows -> Double {
  func now() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
  }
  let start = now()
  try body()
  return now() - start
}

/// The calls that a trace tells of, with the addresses that each was about.
func calls(of file: TraceFile) throws -> [(request: Request, old: Address)] {
  var calls: [(request: Request, old: Address)] = []
  var places: [UInt32: Address] = [:]
  try file.read(addresses: true) { batch in
    for request in batch {
      let slot = request.slot.rawValue
      var old = request.address
      switch request.operation {
      case .allocate, .reallocateEnd: places[slot] = request.address
      case .reallocate:
        old = places[slot] ?? old
        places[slot] = request.address
      case .free, .reallocateBegin: old = places.removeValue(forKey: slot) ?? old
      case .freeUnknown: break
      default: continue
      }
      calls.append((request, old))
    }
  }
  return calls
}

func write(_ calls: [(request: Request, old: Address)], _ file: TraceFile, to path: String) throws {
  let writer = try TraceWriter(path: path, metadata: file.metadata)
  for stack in 1..<UInt32(max(file.stacks.count, 2)) {
    let node = writer.node(parent: 0, returnAddress: UInt64(stack), image: 0)
    _ = writer.stack(node: node, entry: file.stacks.entry(of: StackID(stack)))
  }
  for thread in file.threads { _ = writer.thread(thread) }
  for (index, (call, old)) in calls.enumerated() {
    // As the recorder does.
    if index + 16 < calls.count { writer.prefetch(calls[index + 16].old.rawValue) }
    switch call.operation {
    case .allocate:
      writer.allocate(
        address: call.address, size: call.size, usable: call.usable,
        alignmentShift: call.alignmentShift, stack: call.stack, thread: call.thread, time: call.time)
    case .reallocate:
      writer.reallocate(
        old: old, new: call.address, size: call.size, usable: call.usable, stack: call.stack,
        thread: call.thread, time: call.time)
    case .reallocateBegin: writer.reallocateBegin(old: old, thread: call.thread, time: call.time)
    case .reallocateEnd:
      writer.reallocateEnd(
        new: call.address, size: call.size, usable: call.usable, stack: call.stack,
        thread: call.thread, time: call.time)
    default: writer.free(address: old, entry: call.entry, thread: call.thread, time: call.time)
    }
  }
  try writer.finish()
}

func measure() throws {
  let arguments = CommandLine.arguments
  let file = try TraceFile(path: arguments[1])
  let runs = Int(arguments[3]) ?? 3
  let all = try calls(of: file)
  var best = [Double](repeating: .infinity, count: 4)
  let copy = UnsafeMutableBufferPointer<Request>.allocate(capacity: 4096)
  let records = all.map(\.request)
  var sum: UInt64 = 0
  for _ in 0..<runs {
    best[0] = min(best[0], try seconds { try write(all, file, to: arguments[2]) })
    for (place, addresses) in [(1, false), (2, true)] {
      let time = try seconds {
        try file.read(addresses: addresses) { batch in sum &+= UInt64(batch.count) }
      }
      best[place] = min(best[place], time)
    }
    let time = seconds {
      records.withUnsafeBufferPointer { records in
        for start in stride(from: 0, to: records.count, by: 4096) {
          let part = UnsafeBufferPointer(rebasing: records[start..<min(start + 4096, records.count)])
          _ = copy.update(fromContentsOf: part)
          sum &+= copy[0].address.rawValue
        }
      }
    }
    best[3] = min(best[3], time)
  }
  print(best.map { "\(Double(records.count) / $0 / 1e6)" }.joined(separator: " "), sum & 1 == 2)
}

do {
  try measure()
} catch {
  print(error)
  exit(1)
}
