// When to take a snapshot, so that it costs next to nothing and misses little.

import MemoryUnits
import Trace

/// Decides when the memory of a process is looked at, and how closely.
///
/// Light snapshots list the mappings; heavy ones also go through the pages, which takes time in
/// proportion to them: about two milliseconds for 100 MiB. Both keep to a hundredth of a processor.
struct SnapshotSchedule {
  /// How closely to look.
  enum Depth { case light, heavy }

  private static let lightInterval: UInt64 = 500_000_000
  private static let heavyInterval: UInt64 = 2_000_000_000
  /// Between two that nobody asked for.
  private static let shortestInterval: UInt64 = 100_000_000
  /// The part of a processor that looking may take.
  private static let costFactor: UInt64 = 100
  /// On a busy machine the recorder has to wait in between, and so may the program.
  private static let durationFactor: UInt64 = 10
  /// The longer a recording is, the rarer snapshots get: a thousandth of its time apart.
  private static let lengthDivisor: UInt64 = 1024
  /// Smaller changes of the memory are none.
  private static let smallestChange = ByteCount(64 << 10)

  private let start: UInt64
  /// No snapshot of that depth before that moment, unless asked for.
  private var nextLight: UInt64 = 0
  private var nextHeavy: UInt64 = 0
  private var lastLight: UInt64 = 0
  private var lastHeavy: UInt64 = 0
  /// The anonymous memory at the last heavy snapshot, and the most at any.
  private var lastAnonymous = ByteCount.zero
  private var mostAnonymous = ByteCount.zero
  private var lastSteps: UInt64 = 0

  init(start: UInt64) { self.start = start }

  /// What is due, if anything.
  ///
  /// - Parameters:
  ///   - sample: what the kernel just said of the memory as a whole, if it was asked.
  ///   - steps: how many steps the trace has; without any new ones nothing is due.
  mutating func due(at now: UInt64, sample: ResidentSample?, steps: UInt64) -> (
    Depth, SnapshotReason
  )? {
    guard let sample else { return nil }
    let anonymous = sample.anonymous
    if now >= nextHeavy {
      if hasGrown(anonymous) { return (.heavy, .growth) }
      if now >= lastHeavy + Self.heavyInterval, steps != lastSteps || anonymous != lastAnonymous {
        return (.heavy, .periodic)
      }
    }
    if now >= nextLight, now >= max(lastLight, lastHeavy) + Self.lightInterval {
      return (.light, .periodic)
    }
    return nil
  }

  /// Whether there is time to look at the process for a mark, after so many nanoseconds of which
  /// snapshots took so many: a hundredth of the time, and twenty milliseconds in advance.
  static func permitsMark(elapsed: UInt64, spent: UInt64) -> Bool {
    spent * costFactor <= elapsed + 20_000_000 * costFactor
  }

  /// Whether the memory is at a new maximum by a hundredth, or has changed by a twentieth.
  private func hasGrown(_ anonymous: ByteCount) -> Bool {
    let change = max(anonymous - lastAnonymous, lastAnonymous - anonymous)
    let gain = anonymous - mostAnonymous
    return change > max(Self.smallestChange, ByteCount(lastAnonymous.rawValue / 20))
      || gain > max(Self.smallestChange, ByteCount(mostAnonymous.rawValue / 100))
  }

  /// Notes that a snapshot was taken.
  ///
  /// - Parameters:
  ///   - cost: nanoseconds of a processor that it took.
  ///   - duration: nanoseconds from its beginning to its end.
  ///   - entries: mappings, ranges and blocks in it, of which each takes a few bytes in the file.
  mutating func took(
    _ depth: Depth, at now: UInt64, cost: UInt64, duration: UInt64, entries: Int,
    anonymous: ByteCount?,
    steps: UInt64
  ) {
    // Some thirty kilobytes a second go into the file at most.
    let volume = UInt64(entries) * 100_000
    let pause = max(
      Self.shortestInterval, cost * Self.costFactor, duration * Self.durationFactor, volume,
      (now - start) / Self.lengthDivisor)
    nextLight = max(nextLight, now + pause)
    lastLight = now
    guard depth == .heavy else { return }
    nextHeavy = now + pause
    lastHeavy = now
    lastSteps = steps
    if let anonymous {
      lastAnonymous = anonymous
      mostAnonymous = max(mostAnonymous, anonymous)
    }
  }
}
