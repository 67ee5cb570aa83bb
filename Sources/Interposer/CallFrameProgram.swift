// Runs the call frame instructions of one function up to one address.

/// What is known of the three registers while the instructions run.
///
/// Six of these lie on the stack of the traced program, which may be small: offsets are kept in 32
/// bits, those beyond as the nearest, which no ``UnwindRule`` takes either.
private struct RegisterRules {
  enum Source {
    case same
    case undefined
    /// At CFA + offset.
    case atFrameAddress(Int32)
    /// At rbp + offset.
    case atFramePointer(Int32)
    case unknown
  }

  var base: UnwindRule.Base = .unknown
  var offset: Int32 = 0
  var framePointer: Source = .same
  var returnAddress: Source = .atFrameAddress(-8)
}

/// The machine of DWARF 5, section 6.4.2, for x86-64: register 6 is rbp, 7 is rsp, 16 is rip.
enum CallFrameProgram {
  static func rule(of description: FrameDescription, at address: UInt64) -> UnwindRule {
    var machine = Machine(description: description, address: address)
    guard machine.run(description.initialInstructions, isInitial: true) else { return .unknown }
    machine.initial = machine.rules
    guard machine.run(description.instructions, isInitial: false) else { return .unknown }
    return pack(machine.rules)
  }

  private static func pack(_ rules: RegisterRules) -> UnwindRule {
    switch rules.returnAddress {
    case .undefined: return .end
    case .atFrameAddress(-8): break
    default: return .unknown
    }
    switch rules.framePointer {
    case .same, .undefined:
      return UnwindRule(
        base: rules.base, offset: Int(rules.offset), framePointer: .same, framePointerOffset: 0)
    case .atFrameAddress(let offset):
      return UnwindRule(
        base: rules.base, offset: Int(rules.offset), framePointer: .atFrameAddress,
        framePointerOffset: Int(offset))
    case .atFramePointer(let offset):
      return UnwindRule(
        base: rules.base, offset: Int(rules.offset), framePointer: .atFramePointer,
        framePointerOffset: Int(offset))
    case .unknown: return .unknown
    }
  }
}

private struct Machine {
  let description: FrameDescription
  let address: UInt64
  var location: UInt64
  var rules = RegisterRules()
  var initial = RegisterRules()
  // Compilers nest remember_state once; four levels are more than any of them writes.
  var saved0 = RegisterRules()
  var saved1 = RegisterRules()
  var saved2 = RegisterRules()
  var saved3 = RegisterRules()
  var depth = 0

  init(description: FrameDescription, address: UInt64) {
    self.description = description
    self.address = address
    location = description.start
  }

  /// Returns false where an instruction cannot be understood.
  mutating func run(_ program: ByteReader, isInitial: Bool) -> Bool {
    var reader = program
    while !reader.isAtEnd {
      let byte = reader.byte()
      let low = UInt64(byte & 0x3f)
      switch byte >> 6 {
      case 1:
        guard advance(low) else { return true }
      case 2:
        set(low, .atFrameAddress(scaled(reader.unsigned())))
      case 3:
        restore(low)
      default:
        switch extended(byte, &reader) {
        case .proceed: break
        case .reached: return true
        case .failed: return false
        }
      }
    }
    return true
  }

  private enum Outcome { case proceed, reached, failed }

  /// Moves on to later code.
  ///
  /// False when that lies beyond the address in question.
  private mutating func advance(_ delta: UInt64) -> Bool {
    let next = location &+ delta &* description.codeAlignment
    if next > address { return false }
    location = next
    return true
  }

  private mutating func set(_ register: UInt64, _ source: RegisterRules.Source) {
    if register == 6 { rules.framePointer = source }
    if register == 16 { rules.returnAddress = source }
  }

  /// An offset in units of the data alignment.
  private func scaled(_ units: UInt64) -> Int32 {
    Int32(clamping: Int(truncatingIfNeeded: units) &* description.dataAlignment)
  }

  private mutating func restore(_ register: UInt64) {
    if register == 6 { rules.framePointer = initial.framePointer }
    if register == 16 { rules.returnAddress = initial.returnAddress }
  }

  private mutating func setBase(_ register: UInt64) {
    rules.base = register == 7 ? .stackPointer : register == 6 ? .framePointer : .unknown
  }

  private mutating func extended(_ code: UInt8, _ reader: inout ByteReader) -> Outcome {
    let unit = description.dataAlignment
    switch code {
    case 0x00: break  // nop
    case 0x01:  // set_loc
      location = reader.load(UInt64.self)
      if location > address { return .reached }
    case 0x02: if !advance(UInt64(reader.byte())) { return .reached }
    case 0x03: if !advance(UInt64(reader.load(UInt16.self))) { return .reached }
    case 0x04: if !advance(UInt64(reader.load(UInt32.self))) { return .reached }
    case 0x05:  // offset_extended
      let register = reader.unsigned()
      set(register, .atFrameAddress(scaled(reader.unsigned())))
    case 0x06: restore(reader.unsigned())  // restore_extended
    case 0x07: set(reader.unsigned(), .undefined)  // undefined
    case 0x08: set(reader.unsigned(), .same)  // same_value
    case 0x09:  // register
      let register = reader.unsigned()
      _ = reader.unsigned()
      set(register, .unknown)
    case 0x0a: return remember()
    case 0x0b: return recall()
    case 0x0c:  // def_cfa
      setBase(reader.unsigned())
      rules.offset = Int32(clamping: reader.unsigned())
    case 0x0d: setBase(reader.unsigned())  // def_cfa_register
    case 0x0e: rules.offset = Int32(clamping: reader.unsigned())  // def_cfa_offset
    case 0x0f: defineByExpression(&reader)  // def_cfa_expression
    case 0x10, 0x16:  // expression, val_expression
      let register = reader.unsigned()
      let value = expression(&reader)
      set(register, code == 0x10 ? value.savedRegister : .unknown)
    case 0x11:  // offset_extended_sf
      let register = reader.unsigned()
      set(register, .atFrameAddress(Int32(clamping: reader.signed() &* unit)))
    case 0x12:  // def_cfa_sf
      setBase(reader.unsigned())
      rules.offset = Int32(clamping: reader.signed() &* unit)
    case 0x13: rules.offset = Int32(clamping: reader.signed() &* unit)  // def_cfa_offset_sf
    case 0x14, 0x15:  // val_offset, val_offset_sf
      let register = reader.unsigned()
      _ = reader.unsigned()
      set(register, .unknown)
    case 0x2e: _ = reader.unsigned()  // GNU_args_size
    default: return .failed
    }
    return .proceed
  }

  private mutating func remember() -> Outcome {
    switch depth {
    case 0: saved0 = rules
    case 1: saved1 = rules
    case 2: saved2 = rules
    case 3: saved3 = rules
    default: return .failed
    }
    depth = depth &+ 1
    return .proceed
  }

  private mutating func recall() -> Outcome {
    depth = depth &- 1
    switch depth {
    case 0: rules = saved0
    case 1: rules = saved1
    case 2: rules = saved2
    case 3: rules = saved3
    default: return .failed
    }
    return .proceed
  }

  private mutating func defineByExpression(_ reader: inout ByteReader) {
    let value = expression(&reader)
    rules.offset = Int32(clamping: value.offset)
    switch (value.base, value.isLoaded) {
    case (.stackPointer, false): rules.base = .stackPointer
    case (.framePointer, false): rules.base = .framePointer
    case (.framePointer, true): rules.base = .atFramePointer
    case (.stackPointer, true): rules.base = .atStackPointer
    default: rules.base = .unknown
    }
  }

  private func expression(_ reader: inout ByteReader) -> FrameExpression.Value {
    let length = reader.unsigned()
    let start = reader.position
    reader.position = start &+ length
    guard reader.position <= reader.end else {
      reader.position = reader.end
      return FrameExpression.Value()
    }
    return FrameExpression.value(
      ByteReader(position: start, end: reader.position), address: address)
  }
}

extension FrameExpression.Value {
  /// Where a register was saved, if this value is the address of the place.
  fileprivate var savedRegister: RegisterRules.Source {
    base == .framePointer && !isLoaded ? .atFramePointer(Int32(clamping: offset)) : .unknown
  }
}
