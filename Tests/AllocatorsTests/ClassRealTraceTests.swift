// The heaps of size classes and buddies against their oracles on what a real program asked.

import Allocators
import MemoryUnits
import TestSupport
import Testing
import Trace

@Suite struct ClassRealTraceTests {
  /// Enough that lists get long; an oracle takes time in proportion to the square.
  static func steps() throws -> [Step] { try RealTraceTests.steps(limit: 6000) }

  @Test("cells", arguments: [false, true])
  func cells(onBuddy: Bool) throws {
    let steps = try Self.steps()
    let tests = CellHeapTests()
    let segregated = SegregatedParameters(slab: 8192)
    #expect(tests.compare(segregated, steps, onBuddy: onBuddy, validates: false) == nil)
    let slabs = SlabParameters(partial: .oldest)
    #expect(tests.compare(slabs, steps, onBuddy: onBuddy, validates: false) == nil)
  }

  @Test("buddies", arguments: BuddySystem.allCases)
  func buddies(system: BuddySystem) throws {
    let steps = Array(try Self.steps().prefix(1500))
    let tests = SystemBuddyHeapTests()
    #expect(tests.compare(system, BuddyParameters(), steps, validates: false) == nil)
  }

  @Test(
    "holes filed by size",
    arguments: [FilingRule.segregated(.powersOfTwo), .twoLevel(sl: 5), .halfFit])
  func filed(rule: FilingRule) throws {
    let steps = try Self.steps()
    #expect(FiledHeapTests().compare(rule, FitParameters(), steps, validates: false) == nil)
  }
}
