// Tests of what is gathered for exports: tallies by stack, lives of blocks, free runs.

import Allocators
import MemoryUnits
import Replay
import TestSupport
import Testing
import Trace

@testable import Analysis

@Suite struct StackTallyTests {
  /// Random requests on a few slots, with times that sometimes stand still.
  static func script(seed: UInt64, steps: Int = 300) -> Script {
    var random = SeededRandom(seed: seed)
    var script = Script()
    var live: Set<UInt32> = []
    var time: UInt64 = 0
    for _ in 0..<steps {
      time += UInt64.random(in: 0..<3, using: &random)
      let slot = UInt32.random(in: 0..<12, using: &random)
      // Few sizes, nothing among them, so that the largest sum is reached again and again.
      let size = Int64.random(in: 0..<4, using: &random) * 8
      let stack = UInt32.random(in: 0..<5, using: &random)
      let address = 0x10_0000 + UInt64(slot) * 256
      if !live.contains(slot) {
        live.insert(slot)
        script.step(.allocate, slot: slot, at: time, size: size, address: address, stack: stack)
      } else if Bool.random(using: &random) {
        live.remove(slot)
        script.step(.free, slot: slot, at: time)
      } else {
        script.step(.reallocate, slot: slot, at: time, size: size, address: address, stack: stack)
      }
    }
    return script
  }

  private func tally(
    _ script: Script, _ moments: [Moment], batch: Int, knowsTimes: Bool = true,
    weights: SampleWeights = SampleWeights(TraceMetadata()),
    siteOf: @escaping (StackID) -> Int = { $0.index }
  ) throws -> [StackProfile] {
    let plan = SamplePlan(
      summary: script.summary, knowsTimes: knowsTimes, captures: moments, points: 3)
    var fold = StackTally(plan: plan, weights: weights, siteOf: siteOf)
    var cursor = PlanCursor(plan)
    try script.requests.withUnsafeBufferPointer { all in
      for start in stride(from: 0, to: all.count, by: batch) {
        let part = all[start..<min(start + batch, all.count)]
        try cursor.pass(UnsafeBufferPointer(rebasing: part), to: &fold)
      }
    }
    try cursor.finish(&fold)
    return fold.profiles
  }

  /// The figures of one site after so many steps, recounted from the first one.
  private func recount(
    _ requests: ArraySlice<Request>, clock: (Int) -> UInt64, until end: UInt64,
    isIn: (Request) -> Bool
  ) -> StackFigures {
    var figures = StackFigures()
    var open: [Slot: (began: UInt64, size: Int64, isIn: Bool)] = [:]
    for (index, request) in zip(requests.indices, requests) {
      if request.operation != .allocate, let block = open.removeValue(forKey: request.slot),
        block.isIn
      {
        figures.liveBlocks -= 1
        figures.liveBytes -= block.size
        figures.lifetimes += Int128(clock(index)) - Int128(block.began)
      }
      guard request.operation != .free else { continue }
      open[request.slot] = (clock(index), request.size.rawValue, isIn(request))
      guard isIn(request) else { continue }
      figures.allocatedBlocks += 1
      figures.allocatedBytes += request.size.rawValue
      figures.liveBlocks += 1
      figures.liveBytes += request.size.rawValue
      if figures.liveBytes > figures.largestBytes {
        figures.largestBytes = figures.liveBytes
        figures.blocksAtLargest = figures.liveBlocks
      }
    }
    for block in open.values where block.isIn {
      figures.lifetimes += Int128(end) - Int128(block.began)
    }
    return figures
  }

  @Test(
    "figures by stack at any moment, in batches of any size",
    arguments: 1...6 as ClosedRange<UInt64>)
  func figures(seed: UInt64) throws {
    let script = Self.script(seed: seed)
    let middle = Timestamp(nanoseconds: script.summary.durationNanoseconds / 2)
    for knowsTimes in [true, false] {
      let moments: [Moment] = [.end, .time(middle), .peak]
      for batch in [1, 7, 1000] {
        let profiles = try tally(script, moments, batch: batch, knowsTimes: knowsTimes)
        #expect(Set(profiles.map(\.moment)) == Set(moments))
        #expect(profiles.map(\.steps) == profiles.map(\.steps).sorted())
        for profile in profiles {
          let steps: Int
          switch profile.moment {
          case .peak: steps = Int(script.summary.peakStep)
          case .end: steps = script.requests.count
          case .time(let time) where knowsTimes:
            steps = script.requests.count { $0.time <= time }
          case .time(let time): steps = Int(time.nanoseconds)
          }
          #expect(Int(profile.steps) == steps)
          for (site, figures) in profile.figures.enumerated() {
            let expected = recount(
              script.requests[..<steps],
              clock: { knowsTimes ? script.requests[$0].time.nanoseconds : UInt64($0) },
              until: profile.time.nanoseconds, isIn: { $0.stack.index == site })
            #expect(figures == expected, "seed \(seed), \(profile.moment), stack \(site)")
          }
        }
      }
    }
  }

  @Test("stacks of one site are one, asked for once each in order of appearance")
  func sites() throws {
    let script = Self.script(seed: 9)
    var asked: [StackID] = []
    let profiles = try tally(script, [.end], batch: 50) { stack in
      asked.append(stack)
      return stack.index % 2
    }
    #expect(Set(asked).count == asked.count)
    #expect(asked.first == script.requests.first?.stack)
    let figures = try #require(profiles.first?.figures)
    #expect(figures.count == 2)
    for site in 0..<2 {
      let expected = recount(
        script.requests[...], clock: { script.requests[$0].time.nanoseconds },
        until: script.summary.durationNanoseconds, isIn: { $0.stack.index % 2 == site })
      #expect(figures[site] == expected)
    }
  }

  @Test("in a sample a block counts N times or not at all")
  func weights() throws {
    let script = Self.script(seed: 10)
    var metadata = TraceMetadata()
    metadata.headerBytes = 8
    let regions = RegionSampling(size: 4096, denominator: 2, seed: 5)
    metadata.regions = regions
    let weights = SampleWeights(metadata)
    #expect(weights.needAddresses)
    let profiles = try tally(script, [.end], batch: 64, weights: weights) { _ in 0 }
    let figures = try #require(profiles.first?.figures.first)
    let expected = recount(
      script.requests[...], clock: { script.requests[$0].time.nanoseconds },
      until: script.summary.durationNanoseconds,
      isIn: { regions.samples(Address($0.address.rawValue - 8)) })
    #expect(figures.allocatedBytes == 2 * expected.allocatedBytes)
    #expect(figures.liveBlocks == 2 * expected.liveBlocks)
    #expect(figures.lifetimes == 2 * expected.lifetimes)
  }

  @Test("lives are numbered in order, and a resized block keeps its first number")
  func ledger() {
    var ledger = BlockLedger()
    let script = Self.script(seed: 11)
    var count: UInt64 = 0
    var firsts: [Slot: UInt64] = [:]
    for (index, request) in script.requests.enumerated() {
      #expect(ledger.stepCount == UInt64(index))
      let change = ledger.apply(request)
      #expect((change.ended != nil) == (request.operation != .allocate))
      #expect((change.began != nil) == (request.operation != .free))
      #expect(change.ended.map(\.first) == (change.ended == nil ? nil : firsts[request.slot]))
      guard let began = change.began else { continue }
      if request.operation == .allocate { firsts[request.slot] = count }
      #expect(began.number == count)
      #expect(began.first == firsts[request.slot])
      #expect(began.step == UInt64(index))
      count += 1
    }
    #expect(ledger.living.reduce(0) { $0 + $1.size.rawValue } == script.liveBytes)
    #expect(ledger.living.map(\.number) == ledger.living.map(\.number).sorted())
  }

  @Test("senseless slots claim no memory and do no harm")
  func senseless() {
    var ledger = BlockLedger()
    for slot: UInt32 in [4_000_000_000, .max] {
      let change = ledger.apply(Request(operation: .allocate, slot: Slot(slot), size: 8))
      #expect(change.began == nil)
      #expect(ledger.apply(Request(operation: .free, slot: Slot(slot))).ended == nil)
    }
    #expect(ledger.apply(Request(operation: .free, slot: Slot(0))).ended == nil)
    #expect(ledger.living.isEmpty)
  }
}

@Suite struct FreeRunTests {
  @Test(
    "free runs are those of a naive map, over borders of 4 MiB",
    arguments: 1...8 as ClosedRange<UInt64>)
  func runs(seed: UInt64) {
    var random = SeededRandom(seed: seed)
    var map = AddressMap()
    let base: UInt64 = (1 << 32) - 3 * 4096
    // By steps of 8 bytes: 0 not held, 1 free, 2 live. Twelve pages and three whole leaves.
    let granules = (3 << 19) + 12 * 512
    var naive = [UInt8](repeating: 0, count: granules)
    func range(_ part: Range<Int>) -> Range<Address> {
      Address(base + UInt64(part.lowerBound) * 8)..<Address(base + UInt64(part.upperBound) * 8)
    }
    for _ in 0..<60 {
      let isLong = Int.random(in: 0..<6, using: &random) == 0
      let start = Int.random(in: 0..<granules - 1, using: &random) & ~(isLong ? 511 : 0)
      let length = isLong ? 1 << 20 : Int.random(in: 1..<600, using: &random)
      let part = start..<min(granules, start + length)
      let state = naive[part.lowerBound]
      guard naive[part].allSatisfy({ $0 == state }) else { continue }
      let holds = state == 0
      let begins = state == 1 && Bool.random(using: &random)
      if holds {
        map.hold(range(part))
      } else if begins {
        map.begin(range(part).lowerBound, range(part).upperBound)
      } else if state == 1 {
        map.release(range(part))
      } else {
        map.end(range(part).lowerBound, range(part).upperBound)
      }
      let after: UInt8 = holds ? 1 : begins ? 2 : state == 1 ? 0 : 1
      for index in part { naive[index] = after }
    }
    var expected: [AddressMap.FreeRun] = []
    var start: Int?
    for index in 0...granules {
      let state = index < granules ? naive[index] : 0
      if state == 1 {
        start = start ?? index
      } else if let first = start {
        let bytes = range(first..<index)
        expected.append(
          AddressMap.FreeRun(
            range: bytes.lowerBound.rawValue..<bytes.upperBound.rawValue, isTop: state == 0))
        start = nil
      }
    }
    #expect(!expected.isEmpty)
    #expect(map.allFreeRuns() == expected)
  }
}
