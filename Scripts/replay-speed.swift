// Measures how fast heaps are replayed: Scripts/bench compiles this against the built modules.
//
// replay-speed trace TRACE RUNS SPEC…   prints for the real malloc and for each heap: its name, millions
//   of events a second with all measures on, and with none. Heaps that are not known are left out.
// replay-speed holes COUNT RUNS   prints for first and best fit among so many holes: the holes that were
//   really there, and the nanoseconds that a free and an allocation take together, through the index and
//   by a scan.
//
// All figures are those of the fastest of RUNS runs, in processor time: other programs on the machine
// then count for less. Of a watched replay the time of decoding the trace alone is taken off.

import Allocators
import Analysis
import Glibc
import MemoryUnits
import Replay
import Trace

/// Keeps what is computed from being left out.
nonisolated(unsafe) var sink: UInt64 = 0

/// Seconds that all threads of this process have used.
func processorTime() -> Double {
  var time = timespec()
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
  return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
}

func fastest(_ runs: Int, _ body: () throws -> Void) rethrows -> Double {
  var best = Double.infinity
  for _ in 0..<runs {
    let start = processorTime()
    try body()
    best = min(best, processorTime() - start)
  }
  return best
}

// MARK: Traces

func requests(of file: TraceFile) throws -> [Request] {
  var all: [Request] = []
  all.reserveCapacity(Int(file.summary.steps))
  try file.read(addresses: false) { all += $0 }
  return all
}

/// The same requests to the real malloc, whose blocks nobody touches.
func runMalloc(_ requests: [Request], slots: Int) {
  let blocks = UnsafeMutablePointer<UnsafeMutableRawPointer?>.allocate(capacity: slots)
  blocks.initialize(repeating: nil, count: slots)
  requests.withUnsafeBufferPointer { requests in
    for request in requests {
      let size = Int(truncatingIfNeeded: request.size.rawValue)
      switch request.operation {
      case .allocate, .reallocateEnd:
        if request.alignmentShift > 4 {
          posix_memalign(&blocks[request.slot.index], 1 << Int(request.alignmentShift), size)
        } else {
          blocks[request.slot.index] = malloc(size)
        }
      case .reallocate: blocks[request.slot.index] = realloc(blocks[request.slot.index], size)
      case .free, .reallocateBegin, .abandon:
        free(blocks[request.slot.index])
        blocks[request.slot.index] = nil
      default: break
      }
    }
  }
  for slot in 0..<slots { free(blocks[slot]) }
  blocks.deallocate()
}

/// Watches nothing.
struct Blind: Observer, ~Copyable {
  mutating func stepBegins(at time: Timestamp) {}
  mutating func heldChanged(_ change: HeldChange) {}
  mutating func blockBegins(_ block: LiveBlock) {}
  mutating func blockEnds(_ block: LiveBlock) {}
  mutating func stepEnds(isEvent: Bool) {}
}

struct Unwatched: HeapVisitor {
  let requests: [Request]

  mutating func visit<H: Heap & ~Copyable>(_ heap: consuming H) {
    var replayer = Replayer(heap: heap, observer: Blind())
    requests.withUnsafeBufferPointer { replayer.apply($0) }
    sink &+= replayer.events
  }
}

func measureTrace(_ path: String, _ runs: Int, _ names: [String]) throws {
  let file = try TraceFile(path: path)
  let all = try requests(of: file)
  let events = Double(file.summary.events) / 1e6
  let slots = (all.lazy.filter { $0.slot != .none }.map(\.slot.index).max() ?? 0) + 1
  let real = events / fastest(runs) { runMalloc(all, slots: slots) }
  print("malloc", real, real)
  let decoding = try fastest(runs) { try file.read(addresses: false) { sink &+= UInt64($0.count) } }
  for name in names {
    guard let heap = try? HeapSpecification(parsing: name) else { continue }
    var visitor = Unwatched(requests: all)
    var isKnown = true
    let bare = fastest(runs) { isKnown = heap.kind.build(&visitor) != nil }
    guard isKnown else { continue }
    let watched = try fastest(runs) {
      let measures = try Measurement.measure(trace: file, specifications: [heap])
      sink &+= UInt64(measures.count)
    }
    print(name, events / max(watched - decoding, 1e-9), events / bare)
  }
}

// MARK: Holes

/// The textbook's scan, over sizes in an array, which is kinder to it than a list in memory.
struct ScannedHoles {
  var starts: [UInt64] = []
  var sizes: [UInt64] = []
  var top: UInt64 = 0
  let picksBest: Bool

  mutating func allocate(_ size: UInt64) -> UInt64 {
    var found = -1
    sizes.withUnsafeBufferPointer { sizes in
      for index in sizes.indices where sizes[index] >= size {
        if !picksBest {
          found = index
          break
        }
        if found < 0 || sizes[index] < sizes[found] { found = index }
      }
    }
    guard found >= 0 else {
      top += size
      return top - size
    }
    let start = starts[found]
    if sizes[found] == size {
      starts.remove(at: found)
      sizes.remove(at: found)
    } else {
      starts[found] += size
      sizes[found] -= size
    }
    return start
  }

  mutating func free(_ start: UInt64, _ size: UInt64) {
    var (lower, upper) = (0, starts.count)
    while lower < upper {
      let middle = (lower + upper) / 2
      if starts[middle] < start { lower = middle + 1 } else { upper = middle }
    }
    let joinsNext = lower < starts.count && starts[lower] == start + size
    let joinsLast = lower > 0 && starts[lower - 1] + sizes[lower - 1] == start
    switch (joinsLast, joinsNext) {
    case (true, true):
      sizes[lower - 1] += size + sizes[lower]
      starts.remove(at: lower)
      sizes.remove(at: lower)
    case (true, false): sizes[lower - 1] += size
    case (false, true):
      starts[lower] = start
      sizes[lower] += size
    case (false, false):
      starts.insert(start, at: lower)
      sizes.insert(size, at: lower)
    }
  }
}

/// Small, fast, and the same every time.
struct Numbers {
  var state: UInt64 = 88_172_645_463_325_252

  mutating func below(_ limit: Int) -> Int {
    state ^= state << 13
    state ^= state >> 7
    state ^= state << 17
    return Int(state % UInt64(limit))
  }
}

/// Twice as many blocks as there are to be holes, of which every second is freed, and then pairs of a
/// free and an allocation.
struct HoleRound: HeapVisitor {
  let holes: Int
  let rounds: Int

  mutating func visit<H: Heap & ~Copyable>(_ heap: consuming H) -> Double {
    var numbers = Numbers()
    func size(_ numbers: inout Numbers) -> BlockRequest {
      BlockRequest(size: ByteCount(16 * (1 + numbers.below(256))))
    }
    var blocks: [Placement] = []
    var freed: [Placement] = []
    for number in 0..<2 * holes {
      let block = heap.allocate(size(&numbers))
      if number % 2 == 0 { blocks.append(block) } else { freed.append(block) }
    }
    for block in freed { heap.free(block) }
    heap.heldChanges.removeAll()
    let start = processorTime()
    for _ in 0..<rounds {
      let place = numbers.below(holes)
      heap.free(blocks[place])
      blocks[place] = heap.allocate(size(&numbers))
    }
    sink &+= heap.work.splits
    return (processorTime() - start) * 1e9 / Double(rounds)
  }
}

/// The same by scanning: nanoseconds, and the holes at the end.
func scan(holes: Int, rounds: Int, picksBest: Bool) -> (nanoseconds: Double, holes: Int) {
  var heap = ScannedHoles(picksBest: picksBest)
  var numbers = Numbers()
  func size(_ numbers: inout Numbers) -> UInt64 { UInt64(16 * (1 + numbers.below(256))) }
  var blocks: [(UInt64, UInt64)] = []
  // What lies between two blocks is a hole; scanning while filling would take for ever.
  for number in 0..<2 * holes {
    let size = size(&numbers)
    if number % 2 == 0 {
      blocks.append((heap.top, size))
    } else {
      heap.starts.append(heap.top)
      heap.sizes.append(size)
    }
    heap.top += size
  }
  let start = processorTime()
  for _ in 0..<rounds {
    let place = numbers.below(holes)
    heap.free(blocks[place].0, blocks[place].1)
    let size = size(&numbers)
    blocks[place] = (heap.allocate(size), size)
  }
  let time = (processorTime() - start) * 1e9 / Double(rounds)
  return (time, heap.starts.count)
}

func measureHoles(_ holes: Int, _ runs: Int) throws {
  for (name, picksBest) in [("first-fit", false), ("best-fit", true)] {
    let heap = try HeapSpecification(parsing: name)
    let rounds = min(200_000, 20 * holes)
    // First fit fills the holes at the start as it goes on: both are measured over as few rounds as the
    // scan can do.
    let scanRounds = max(200, min(20_000, 200_000_000 / holes / 20))
    var (indexed, scanned) = (Double.infinity, Double.infinity)
    var left = 0
    for _ in 0..<runs {
      var visitor = HoleRound(holes: holes, rounds: min(rounds, scanRounds))
      indexed = min(indexed, heap.kind.build(&visitor) ?? .infinity)
      let found = scan(holes: holes, rounds: scanRounds, picksBest: picksBest)
      scanned = min(scanned, found.nanoseconds)
      left = found.holes
    }
    print(name, left, indexed, scanned)
  }
}

let arguments = CommandLine.arguments
do {
  let runs = Int(arguments[3]) ?? 3
  if arguments[1] == "holes" {
    try measureHoles(Int(arguments[2]) ?? 1000, runs)
  } else {
    try measureTrace(arguments[2], runs, Array(arguments.dropFirst(4)))
  }
  if sink == 1 { print("") }
} catch {
  print(error)
  exit(1)
}
