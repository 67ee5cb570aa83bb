// From the ticks of the processor's clock to nanoseconds of the recording.

import CaptureABI
import Glibc
import Trace

/// Turns stamps into times.
///
/// The rate is measured against the system's clock for as long as the recording runs, so that the
/// error does not grow with it.
struct TickClock {
  let usesMonotonicClock: Bool
  private let firstTicks: UInt64
  private let firstNanoseconds: UInt64
  private var anchorTicks: UInt64
  private var anchorNanoseconds = 0.0
  private var nanosecondsPerTick = 1.0
  private var latest: UInt64 = 0

  init(usesMonotonicClock: Bool) {
    self.usesMonotonicClock = usesMonotonicClock
    firstTicks = Self.ticks(usesMonotonicClock)
    firstNanoseconds = Self.monotonic()
    anchorTicks = firstTicks
  }

  /// The clock's stamp for this moment.
  var now: UInt64 { Self.ticks(usesMonotonicClock) }

  /// Measures the rate anew.
  ///
  /// Times given out later continue from those given out before.
  mutating func calibrate() {
    guard !usesMonotonicClock else { return }
    let ticks = now
    let elapsed = Double(Self.monotonic() &- firstNanoseconds)
    guard ticks > firstTicks else { return }
    anchorNanoseconds = nanoseconds(ticks)
    anchorTicks = ticks
    nanosecondsPerTick = elapsed / Double(ticks - firstTicks)
  }

  private func nanoseconds(_ ticks: UInt64) -> Double {
    anchorNanoseconds
      + Double(Int64(bitPattern: ticks &- anchorTicks)) * nanosecondsPerTick
  }

  /// The time of a stamp.
  ///
  /// Never less than a time given out before.
  mutating func time(_ ticks: UInt64) -> Timestamp {
    let value = nanoseconds(ticks)
    if value > Double(latest), value < 9e18 { latest = UInt64(value) }
    return Timestamp(nanoseconds: latest)
  }

  /// This moment; never less than a time given out.
  var present: Timestamp { max(Timestamp(nanoseconds: latest), moment(now)) }

  /// The time of a stamp, by what is known of the clock's rate now, which binds no later time.
  func moment(_ ticks: UInt64) -> Timestamp {
    let value = nanoseconds(ticks)
    return Timestamp(nanoseconds: value > 0 && value < 9e18 ? UInt64(value) : 0)
  }

  /// How many ticks `milliseconds` are.
  func ticks(milliseconds: Double) -> UInt64 {
    UInt64(milliseconds * 1e6 / nanosecondsPerTick)
  }

  private static func ticks(_ usesMonotonicClock: Bool) -> UInt64 {
    usesMonotonicClock ? monotonic() : lacuna_rdtscp()
  }

  static func monotonic() -> UInt64 {
    var now = timespec()
    clock_gettime(CLOCK_MONOTONIC, &now)
    return UInt64(now.tv_sec) * 1_000_000_000 + UInt64(now.tv_nsec)
  }

  /// Seconds since 1970.
  static func realSeconds() -> Double {
    var now = timespec()
    clock_gettime(CLOCK_REALTIME, &now)
    return Double(now.tv_sec) + Double(now.tv_nsec) / 1e9
  }

  /// Whether the time stamp counter runs evenly on all processors and in all their states.
  static var isCounterInvariant: Bool {
    // What is said of the first processor; large machines take long to list them all.
    guard let text = try? ProcFile.read("/proc/cpuinfo", limit: 1) else { return false }
    guard let flags = text.split(separator: "\n").first(where: { $0.hasPrefix("flags") }) else {
      return false
    }
    let words = Set(flags.split(whereSeparator: { $0 == " " || $0 == "\t" }))
    return words.contains("constant_tsc") && words.contains("nonstop_tsc")
      && words.contains("rdtscp")
  }
}
