// How much of the held memory is resident, over time.

/// Peak and time-weighted mean of a number of pages.
struct ResidentMeter {
  private(set) var pages: Int64 = 0
  private(set) var peakPages: Int64 = 0
  /// Pages times clock ticks, up to `since`.
  private var integral = 0.0
  private var since: UInt64 = 0
  private var start: UInt64 = 0

  /// Forgets what was before: a range begins at this moment.
  mutating func restart(at now: UInt64) {
    peakPages = pages
    integral = 0
    since = now
    start = now
  }

  /// The number of pages is `newPages` from the moment `now` on.
  @inline(__always)
  mutating func note(_ newPages: Int64, at now: UInt64) {
    if newPages != pages { change(to: newPages, at: now) }
  }

  @inline(never)
  private mutating func change(to newPages: Int64, at now: UInt64) {
    // Only a damaged trace has times that decrease; they count as no time.
    if now > since {
      integral += Double(pages) * Double(now - since)
      since = now
    }
    pages = newPages
    peakPages = max(peakPages, newPages)
  }

  /// The mean from the first moment to `end`; the present number when no time has passed at all.
  func meanPages(until end: UInt64) -> Double {
    let end = max(end, since)
    guard end > start else { return Double(pages) }
    return (integral + Double(pages) * Double(end - since)) / Double(end - start)
  }
}
