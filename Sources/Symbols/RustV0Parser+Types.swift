// Types and constants within Rust's v0 names.

extension RustV0Parser {
  // MARK: - Types

  static let basicTypes: [UInt8: String] = [
    UInt8(ascii: "a"): "i8", UInt8(ascii: "b"): "bool", UInt8(ascii: "c"): "char",
    UInt8(ascii: "d"): "f64", UInt8(ascii: "e"): "str", UInt8(ascii: "f"): "f32",
    UInt8(ascii: "h"): "u8", UInt8(ascii: "i"): "isize", UInt8(ascii: "j"): "usize",
    UInt8(ascii: "l"): "i32", UInt8(ascii: "m"): "u32", UInt8(ascii: "n"): "i128",
    UInt8(ascii: "o"): "u128", UInt8(ascii: "p"): "_", UInt8(ascii: "s"): "i16",
    UInt8(ascii: "t"): "u16", UInt8(ascii: "u"): "()", UInt8(ascii: "v"): "...",
    UInt8(ascii: "x"): "i64", UInt8(ascii: "y"): "u64", UInt8(ascii: "z"): "!",
  ]

  mutating func type() throws(Malformed) {
    try nested { parser throws(Malformed) in try parser.typeBody() }
  }

  mutating func typeBody() throws(Malformed) {
    let tag = try next()
    if let basic = Self.basicTypes[tag] { return try write(basic) }
    switch Character(Unicode.Scalar(tag)) {
    case "R": try reference("&")
    case "Q": try reference("&mut ")
    case "P":
      try write("*const ")
      try type()
    case "O":
      try write("*mut ")
      try type()
    case "A":
      try write("[")
      try type()
      try write("; ")
      try constant()
      try write("]")
    case "S":
      try write("[")
      try type()
      try write("]")
    case "T": try tuple()
    case "F":
      try binding { parser throws(Malformed) in try parser.functionType() }
    case "D":
      try write("dyn ")
      try binding { parser throws(Malformed) in try parser.traitObject() }
      guard eat("L") else { throw Malformed() }
      let number = try base62()
      if number > 0 {
        try write(" + ")
        try lifetime(number)
      }
    case "B":
      try backReference { parser throws(Malformed) in try parser.type() }
    default:
      index -= 1
      try path(inValue: false)
    }
  }

  mutating func reference(_ mark: String) throws(Malformed) {
    try write(mark)
    if eat("L") {
      let number = try base62()
      if number > 0 {
        try lifetime(number)
        try write(" ")
      }
    }
    try type()
  }

  mutating func tuple() throws(Malformed) {
    try write("(")
    var count = 0
    while !eat("E") {
      if count > 0 { try write(", ") }
      count += 1
      try type()
    }
    try write(count == 1 ? ",)" : ")")
  }

  /// `for<'a, 'b>` in front of what may use these lifetimes.
  mutating func binding(
    _ body: (inout RustV0Parser) throws(Malformed) -> Void
  ) throws(Malformed) {
    let declared = try optionalBase62(after: "G")
    guard declared <= 64 else { throw Malformed() }
    let count = Int(declared)
    let outer = boundLifetimes
    if count > 0 {
      let names = (outer..<outer + count).map { "'" + letter($0) }
      try write("for<" + names.joined(separator: ", ") + "> ")
    }
    boundLifetimes += count
    try body(&self)
    boundLifetimes = outer
  }

  mutating func functionType() throws(Malformed) {
    if eat("U") { try write("unsafe ") }
    if eat("K") {
      let abi = eat("C") ? Array("C".utf8) : try plainIdentifier()
      try write("extern \"")
      try write(abi.map { $0 == UInt8(ascii: "_") ? UInt8(ascii: "-") : $0 })
      try write("\" ")
    }
    try write("fn(")
    try list { parser throws(Malformed) in try parser.type() }
    try write(")")
    if eat("u") { return }
    try write(" -> ")
    try type()
  }

  mutating func traitObject() throws(Malformed) {
    var isFirst = true
    while !eat("E") {
      if !isFirst { try write(" + ") }
      isFirst = false
      try path(inValue: false)
      var isOpen = false
      while eat("p") {
        // The trait's own argument list has to be reopened for the associated types.
        if !isOpen, silence == 0, output.last == UInt8(ascii: ">") {
          output.removeLast()
          try write(", ")
        } else {
          try write(isOpen ? ", " : "<")
        }
        isOpen = true
        try write(try plainIdentifier())
        try write(" = ")
        try type()
      }
      if isOpen { try write(">") }
    }
  }

  // MARK: - Constants

  mutating func constant() throws(Malformed) {
    try nested { parser throws(Malformed) in try parser.constantBody() }
  }

  mutating func constantBody() throws(Malformed) {
    if eat("B") {
      return try backReference { parser throws(Malformed) in try parser.constant() }
    }
    let tag = try next()
    if tag == UInt8(ascii: "p") { return try write("_") }
    guard "ahijlmnostxybc".utf8.contains(tag) else { throw Malformed() }
    if eat("n") { try write("-") }
    let start = index
    while !eat("_") {
      guard RustName.isHexDigit(try next()) else { throw Malformed() }
    }
    let digits = String(decoding: name[start..<index - 1], as: UTF8.self)
    guard let value = digits.isEmpty ? 0 : UInt64(digits, radix: 16) else {
      return try write("0x" + digits)
    }
    switch tag {
    case UInt8(ascii: "b"): try write(value == 0 ? "false" : "true")
    case UInt8(ascii: "c"):
      guard let scalar = UInt32(exactly: value).flatMap(Unicode.Scalar.init) else {
        throw Malformed()
      }
      try write("'" + String(Character(scalar)) + "'")
    default: try write(String(value))
    }
  }
}
