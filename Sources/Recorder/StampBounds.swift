// What is certain in a pass over the rings: up to which stamp nothing older can still come.

/// The lowest of some stamps, also without that of one ring.
struct LowestStamp {
  private(set) var value = UInt64.max
  private var ring = -1
  private var second = UInt64.max

  mutating func add(_ stamp: UInt64, ring: Int) {
    if stamp < value {
      second = value
      value = stamp
      self.ring = ring
    } else {
      second = min(second, stamp)
    }
  }

  /// The lowest stamp of all other rings.
  @inline(__always)
  func excluding(_ ring: Int) -> UInt64 { ring == self.ring ? second : value }
}

/// The limits of one pass.
struct StampBounds {
  /// A millisecond ago: what was stored then is visible.
  var visible: UInt64
  /// Stamps that threads have taken and not published yet.
  ///
  /// Such a thread may wait for room in its
  /// ring, and so for us.
  var taken = LowestStamp()
  /// What threads that are about to take a stamp have published before: this resolves itself.
  var announced = LowestStamp()

  /// Everything up to here can be passed on.
  var watermark: UInt64 { min(visible, taken.value, announced.value) }

  /// Whether nothing of another thread came before `end`, the second stamp of a call of this ring;
  /// nil where that will be known later.
  ///
  /// - Parameter next: the stamp at which another ring's turn comes.
  func isUndisturbed(until end: UInt64, ring: Int, next: UInt64) -> Bool? {
    if min(next, taken.excluding(ring)) < end { return false }
    return end <= min(visible, announced.excluding(ring)) ? true : nil
  }
}
