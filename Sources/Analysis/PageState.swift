// What the address map knows of one page, in one word.

/// The state of a page of 4096 bytes: how many of them are free, how many live.
///
/// The rest, up to 4096, is not held at all.
///
///     bits  0...12   held bytes that no live block covers
///     bits 13...25   bytes that live blocks cover
///     bit  26        touched: a block covered part of the page since it came to be held
///     bit  27        uniform: one of the two counts, or neither, is 4096, and the bitmap of the
///                    page says nothing
///     bit  28        part of the page is held, and part is not: the mask of held bytes counts
struct PageState: BitwiseCopyable, Equatable {
  var rawValue: UInt32

  static var freeUnit: UInt32 { 1 }
  static var liveUnit: UInt32 { 1 << 13 }
  private static var countMask: UInt32 { 0x1fff }
  static var touchedBit: UInt32 { 1 << 26 }
  static var uniformBit: UInt32 { 1 << 27 }
  static var partlyHeldBit: UInt32 { 1 << 28 }

  static let notHeld = PageState(rawValue: uniformBit)
  static let freshlyHeld = PageState(rawValue: uniformBit | 4096)
  static let freed = PageState(rawValue: uniformBit | touchedBit | 4096)
  static let covered = PageState(rawValue: uniformBit | touchedBit | 4096 << 13)

  @inline(__always) var free: UInt32 { rawValue & Self.countMask }
  @inline(__always) var live: UInt32 { rawValue >> 13 & Self.countMask }
  @inline(__always) var held: UInt32 { free &+ live }
  @inline(__always) var isTouched: Bool { rawValue & Self.touchedBit != 0 }
  @inline(__always) var isUniform: Bool { rawValue & Self.uniformBit != 0 }
  @inline(__always) var isPartlyHeld: Bool { rawValue & Self.partlyHeldBit != 0 }

  mutating func set(_ bit: UInt32, _ isSet: Bool) {
    rawValue = isSet ? rawValue | bit : rawValue & ~bit
  }
}

/// The four things that can happen to a byte of the address space.
///
///                hold            begin
///     not held ────────▶ free ──────────▶ live
///              ◀────────      ◀──────────
///               release           end
enum ByteChange {
  case hold
  case release
  case begin
  case end

  /// Whether a page has nothing but bytes to which this can happen.
  @inline(__always)
  func applies(toAllOf page: PageState) -> Bool {
    switch self {
    case .hold: page.held == 0
    case .release, .begin: page.free == 4096
    case .end: page.live == 4096
    }
  }

  /// Whether free bytes come into being; they vanish otherwise.
  @inline(__always)
  var makesFree: Bool { self == .hold || self == .end }

  /// A whole page after this happened to all of it.
  var wholePage: PageState {
    switch self {
    case .hold: .freshlyHeld
    case .release: .notHeld
    case .begin: .covered
    case .end: .freed
    }
  }
}
