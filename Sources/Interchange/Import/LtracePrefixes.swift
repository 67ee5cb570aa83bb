// What ltrace writes before a call: thread, time, return address.

/// Reads what stands before the calls of one file.
struct LtracePrefixes {
  /// What is said of one line.
  struct Prefix {
    var thread: UInt64?
    /// Since an unknown moment.
    var nanoseconds: UInt64?
    var returnAddress: UInt64?
  }

  private static let second: UInt64 = 1_000_000_000
  /// Relative times (`-r`) since the line before, added up.
  private var elapsed: UInt64 = 0
  /// The last time of day, and the midnights since the first.
  private var lastTimeOfDay: UInt64 = 0
  private var midnights: UInt64 = 0

  /// Reads all that stands before a call, and passes it.
  mutating func read(_ line: inout LineCursor) -> Prefix {
    var prefix = Prefix()
    line.skipSpaces()
    if line.take("[pid ") {
      prefix.thread = line.spacedNumber()
      line.skipSpaces()
      _ = line.take(0x5d)
    } else {
      readThread(&line, &prefix)
    }
    line.skipSpaces()
    prefix.nanoseconds = time(&line)
    line.skipSpaces()
    if line.take("[0x") {
      prefix.returnAddress = line.hexadecimal()
      _ = line.take(0x5d)
      line.skipSpaces()
    }
    return prefix
  }

  /// With `-o` and `-f` a bare number stands there, and no point or colon behind it.
  private func readThread(_ line: inout LineCursor, _ prefix: inout Prefix) {
    var rest = line
    guard let id = rest.decimal(), rest.peek == 0x20 else { return }
    // Of a number alone before a call nobody can say whether it is a thread or, with -t, no time.
    prefix.thread = id
    line = rest
  }

  /// Hours, minutes and seconds; seconds since 1970; or seconds since the line before.
  private mutating func time(_ line: inout LineCursor) -> UInt64? {
    var rest = line
    guard let first = rest.decimal(), first <= 1 << 33 else { return nil }
    if rest.take(0x3a) {
      guard let minutes = rest.decimal(), minutes < 60, rest.take(0x3a),
        let seconds = rest.decimal(), seconds < 61, first < 24
      else { return nil }
      let whole = ((first * 60 + minutes) * 60 + seconds) * Self.second
      let fraction = rest.take(0x2e) ? self.fraction(&rest) : 0
      guard let fraction else { return nil }
      line = rest
      return sinceMidnight(whole + fraction)
    }
    guard rest.take(0x2e), let fraction = fraction(&rest) else { return nil }
    line = rest
    let time = first * Self.second + fraction
    // Seconds since 1970 are beyond all pauses between two calls.
    guard first < 100_000_000 else { return time }
    elapsed = min(elapsed &+ time, ImportBuilder.latestNanoseconds)
    return elapsed
  }

  private mutating func sinceMidnight(_ time: UInt64) -> UInt64 {
    // Half a day back is a midnight; threads are in disorder by much less.
    if time + 43200 * Self.second < lastTimeOfDay, midnights < 1 << 16 { midnights += 1 }
    lastTimeOfDay = time
    return time + midnights * 86400 * Self.second
  }

  /// Up to nine digits behind a point, in nanoseconds.
  private func fraction(_ line: inout LineCursor) -> UInt64? {
    let before = line.count
    guard var value = line.decimal(), before - line.count <= 9 else { return nil }
    for _ in 0..<9 - (before - line.count) { value *= 10 }
    return value
  }
}
