// How to get from one frame to its caller: one word for each return address.

import InterposerEntry

/// What the call frame information says at one address, reduced to the three registers that the
/// walker follows: rip, rsp and rbp.
///
///     bits 0-2    where the canonical frame address (CFA) comes from
///     bits 3-4    where the caller's rbp is
///     bits 8-31   offset of the CFA, signed
///     bits 32-47  offset of rbp, signed
///     bits 48-63  generation of the module that the address belongs to
///
/// The return address always lies at CFA - 8.
struct UnwindRule {
  var bits: UInt64

  enum Base: UInt64 {
    /// No rule: an empty slot of the cache.
    case none = 0
    /// CFA = rsp + offset
    case stackPointer = 1
    /// CFA = rbp + offset
    case framePointer = 2
    /// CFA = *(rbp + offset): functions that realign their stack
    case atFramePointer = 3
    /// CFA = *(rsp + offset)
    case atStackPointer = 4
    /// The frame in which the kernel calls a signal handler; registers are in the ucontext.
    case signal = 5
    /// The outermost frame: the return address is undefined.
    case end = 6
    /// No call frame information, or a rule that these three registers cannot follow.
    case unknown = 7
  }

  enum FramePointer: UInt64 {
    /// rbp still has the caller's value.
    case same = 0
    /// At CFA + offset.
    case atFrameAddress = 1
    /// At rbp + offset.
    case atFramePointer = 2
  }

  static let end = UnwindRule(bits: Base.end.rawValue)
  static let unknown = UnwindRule(bits: Base.unknown.rawValue)
  static let signal = UnwindRule(bits: Base.signal.rawValue)

  init(bits: UInt64) { self.bits = bits }

  init(base: Base, offset: Int, framePointer: FramePointer, framePointerOffset: Int) {
    let fits =
      offset >= -0x80_0000 && offset < 0x80_0000 && framePointerOffset >= -0x8000
      && framePointerOffset < 0x8000
    guard fits else {
      bits = Base.unknown.rawValue
      return
    }
    bits =
      base.rawValue | framePointer.rawValue << 3
      | (UInt64(truncatingIfNeeded: offset) & 0xff_ffff) << 8
      | (UInt64(truncatingIfNeeded: framePointerOffset) & 0xffff) << 32
  }

  /// The same rule for code of a module of that generation.
  func of(generation: UInt64) -> UnwindRule {
    UnwindRule(bits: bits & ~Self.generationMask | generation << 48)
  }

  static let generationMask: UInt64 = 0xffff << 48

  @inline(__always)
  var base: UInt64 { bits & 7 }

  @inline(__always)
  var framePointer: UInt64 { bits >> 3 & 3 }

  @inline(__always)
  var offset: UInt64 {
    UInt64(bitPattern: Int64(bitPattern: bits << 32) >> 40)
  }

  @inline(__always)
  var framePointerOffset: UInt64 {
    UInt64(bitPattern: Int64(bitPattern: bits << 16) >> 48)
  }
}

/// One remembered rule.
///
/// The address is stored mixed with the rule, so that a slot that two threads write at once matches
/// no address, instead of giving one address the rule of another. The bits above the address say for
/// which epoch of the session's modules the rule holds.
struct UnwindRuleSlot {
  var mixed: UInt64
  var rule: UInt64
}

/// The rules of the addresses met so far: two-way associative, without locks.
enum UnwindRuleCache {
  static let sets = 1 << 16
  static let capacity = sets * 2

  @inline(__always)
  private static func slots(of set: UInt16) -> UnsafeMutablePointer<UnwindRuleSlot> {
    session.rules.unsafelyUnwrapped + Int(set) &* 2
  }

  @inline(__always)
  static func rule(at address: UInt64, epoch: UInt64) -> UnwindRule {
    rule(at: address, in: lacuna_rule_set(address), epoch: epoch)
  }

  /// `set` is the one of the address.
  @inline(__always)
  static func rule(at address: UInt64, in set: UInt16, epoch: UInt64) -> UnwindRule {
    let slots = slots(of: set)
    let key = address ^ epoch
    let first = slots[0]
    if first.mixed ^ first.rule == key { return UnwindRule(bits: first.rule) }
    let second = slots[1]
    if second.mixed ^ second.rule == key { return UnwindRule(bits: second.rule) }
    return find(address, epoch)
  }

  @inline(never)
  private static func find(_ address: UInt64, _ epoch: UInt64) -> UnwindRule {
    let rule = UnwindTable.rule(at: address, epoch: epoch)
    let slots = slots(of: lacuna_rule_set(address))
    slots[1] = slots[0]
    slots[0] = UnwindRuleSlot(mixed: address ^ epoch ^ rule.bits, rule: rule.bits)
    return rule
  }

  /// Forgets everything, when the numbers of epochs begin anew.
  @inline(never)
  static func clear() {
    for i in 0..<capacity {
      session.rules.unsafelyUnwrapped[i] = UnwindRuleSlot(mixed: 0, rule: 0)
    }
  }
}
