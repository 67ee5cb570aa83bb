// Evaluates the few DWARF expressions that compilers and linkers write into .eh_frame.

/// Symbolic evaluation of a DWARF expression over rsp, rbp and the (known) rip.
///
/// Two expressions matter: where GCC realigns a stack, `*(rbp + offset)`, and the one of procedure
/// linkage tables, whose CFA depends on rip within a 16-byte entry.
enum FrameExpression {
  enum Base { case constant, stackPointer, framePointer, unknown }

  /// `base + offset`, or the word at that address when it was loaded.
  struct Value {
    var base: Base = .unknown
    var offset = 0
    var isLoaded = false

    init() {}

    init(_ base: Base, _ offset: Int) {
      self.base = base
      self.offset = offset
    }
  }

  /// The value of the expression for the code at `address`; unknown where it goes beyond the above.
  static func value(_ expression: ByteReader, address: UInt64) -> Value {
    var reader = expression
    // Four values are the deepest that the linkage table's expression gets.
    var a = Value()
    var b = Value()
    var c = Value()
    var d = Value()

    func push(_ value: Value) {
      (a, b, c, d) = (value, a, b, c)
    }
    func combine(_ operation: (Int, Int) -> Int) {
      let constant = a.base == .constant && b.base == .constant
      let result = constant ? Value(.constant, operation(b.offset, a.offset)) : Value()
      (a, b, c, d) = (result, c, d, Value())
    }

    while !reader.isAtEnd {
      let code = reader.byte()
      switch code {
      case 0x30...0x4f: push(Value(.constant, Int(code &- 0x30)))  // lit
      case 0x08: push(Value(.constant, Int(reader.byte())))  // const1u
      case 0x09: push(Value(.constant, Int(Int8(bitPattern: reader.byte()))))  // const1s
      case 0x76: push(Value(.framePointer, reader.signed()))  // breg6
      case 0x77: push(Value(.stackPointer, reader.signed()))  // breg7
      case 0x80:  // breg16: the walker looks one byte before the return address
        push(Value(.constant, Int(truncatingIfNeeded: address &+ 1) &+ reader.signed()))
      case 0x06:  // deref
        if a.isLoaded || a.base == .constant { a.base = .unknown }
        a.isLoaded = true
      case 0x1a: combine { $0 & $1 }
      case 0x24: combine { $0 &<< $1 }
      case 0x2a: combine { $0 >= $1 ? 1 : 0 }
      case 0x23: a.offset = a.offset &+ Int(truncatingIfNeeded: reader.unsigned())  // plus_uconst
      case 0x22:  // plus
        guard a.base == .constant, !b.isLoaded else {
          return Value()
        }
        let offset = a.offset
        (a, b, c, d) = (b, c, d, Value())
        a.offset = a.offset &+ offset
      default: return Value()
      }
    }
    return a
  }
}
