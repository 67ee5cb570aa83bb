// Rust's names as its compilers mangle them by default since 2025 (RFC 2603, "v0").

/// Reads a v0 name and writes what it means, in one pass.
///
/// References back into the name make the meaning grow without bound, so the output, the nesting
/// and the number of steps are limited.
struct RustV0Parser {
  private struct Malformed: Error {}

  private static let deepest = 128
  private static let mostSteps = 1 << 16

  private let name: [UInt8]
  private var index = 0
  private var output: [UInt8] = []
  private var depth = 0
  private var steps = 0
  /// Above zero while what is read is not to be shown.
  private var silence = 0
  /// Lifetimes bound by the `for<…>` around the current position.
  private var boundLifetimes = 0

  private init(_ name: ArraySlice<UInt8>) { self.name = Array(name) }

  /// The meaning of `mangled`, nil where it is no name of this scheme or is beyond the limits.
  static func demangle(_ mangled: [UInt8]) -> String? {
    guard mangled.starts(with: "_R".utf8), mangled.count > 2,
      (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(mangled[2]),
      mangled.allSatisfy({ $0 > 0x20 && $0 < 0x7f })
    else { return nil }
    var parser = RustV0Parser(mangled[2...])
    do {
      try parser.path(inValue: true)
      if let next = parser.peek(), (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(next) {
        // The crate that instantiated a generic function.
        try parser.silently { parser throws(Malformed) in try parser.path(inValue: false) }
      }
      if let next = parser.peek(), next != UInt8(ascii: "."), next != UInt8(ascii: "$") {
        return nil
      }
    } catch {
      return nil
    }
    return Demangler.printable(parser.output)
  }

  // MARK: - Reading

  private func peek() -> UInt8? { index < name.count ? name[index] : nil }

  private mutating func next() throws(Malformed) -> UInt8 {
    guard index < name.count else { throw Malformed() }
    index += 1
    return name[index - 1]
  }

  private mutating func eat(_ character: Character) -> Bool {
    guard let byte = peek(), byte == character.asciiValue else { return false }
    index += 1
    return true
  }

  /// `_` is 0, `0_` is 1, and so on, in digits, lower and upper case letters.
  private mutating func base62() throws(Malformed) -> Int {
    if eat("_") { return 0 }
    var value = 0
    while !eat("_") {
      let byte = try next()
      let digit: Int
      switch byte {
      case UInt8(ascii: "0")...UInt8(ascii: "9"): digit = Int(byte - UInt8(ascii: "0"))
      case UInt8(ascii: "a")...UInt8(ascii: "z"): digit = Int(byte - UInt8(ascii: "a")) + 10
      case UInt8(ascii: "A")...UInt8(ascii: "Z"): digit = Int(byte - UInt8(ascii: "A")) + 36
      default: throw Malformed()
      }
      guard value < 1 << 48 else { throw Malformed() }
      value = value * 62 + digit
    }
    return value + 1
  }

  private mutating func optionalBase62(after tag: Character) throws(Malformed) -> Int {
    eat(tag) ? try base62() + 1 : 0
  }

  private mutating func identifier() throws(Malformed) -> (text: [UInt8], disambiguator: Int) {
    let disambiguator = try optionalBase62(after: "s")
    return (try plainIdentifier(), disambiguator)
  }

  private mutating func plainIdentifier() throws(Malformed) -> [UInt8] {
    let isPunycode = eat("u")
    var length = 0
    guard let first = peek(), RustName.isDigit(first) else { throw Malformed() }
    while let byte = peek(), RustName.isDigit(byte) {
      length = length * 10 + Int(byte - UInt8(ascii: "0"))
      index += 1
      guard length <= name.count else { throw Malformed() }
      if length == 0 { break }
    }
    _ = eat("_")
    guard index + length <= name.count else { throw Malformed() }
    let text = Array(name[index..<index + length])
    index += length
    return isPunycode ? Array("punycode{".utf8) + text + Array("}".utf8) : text
  }

  // MARK: - Writing

  private mutating func write(_ text: some Collection<UInt8>) throws(Malformed) {
    guard silence == 0 else { return }
    output += text
    guard output.count <= Demangler.longestResult else { throw Malformed() }
  }

  private mutating func write(_ text: String) throws(Malformed) { try write(text.utf8) }

  private mutating func silently(
    _ body: (inout RustV0Parser) throws(Malformed) -> Void
  ) throws(Malformed) {
    silence += 1
    try body(&self)
    silence -= 1
  }

  /// Counts a step down, so that neither nesting nor repetition gets out of hand.
  private mutating func nested(
    _ body: (inout RustV0Parser) throws(Malformed) -> Void
  ) throws(Malformed) {
    depth += 1
    steps += 1
    guard depth <= Self.deepest, steps <= Self.mostSteps else { throw Malformed() }
    try body(&self)
    depth -= 1
  }

  /// Reads again what stands at an earlier place.
  private mutating func backReference(
    _ body: (inout RustV0Parser) throws(Malformed) -> Void
  ) throws(Malformed) {
    let start = index - 1
    let target = try base62()
    guard target < start else { throw Malformed() }
    guard silence == 0 else { return }
    let resume = index
    index = target
    try nested(body)
    index = resume
  }

  // MARK: - Paths

  private mutating func path(inValue: Bool) throws(Malformed) {
    try nested { parser throws(Malformed) in try parser.pathBody(inValue: inValue) }
  }

  private mutating func pathBody(inValue: Bool) throws(Malformed) {
    switch Character(Unicode.Scalar(try next())) {
    case "C":
      try write(try identifier().text)
    case "N":
      try nestedName(inValue: inValue)
    case "M":
      try implementationPath()
      try write("<")
      try type()
      try write(">")
    case "X":
      try implementationPath()
      try traitImplementation()
    case "Y":
      try traitImplementation()
    case "I":
      try path(inValue: inValue)
      try write(inValue ? "::<" : "<")
      try list { parser throws(Malformed) in try parser.genericArgument() }
      try write(">")
    case "B":
      try backReference { parser throws(Malformed) in try parser.path(inValue: inValue) }
    default:
      throw Malformed()
    }
  }

  private mutating func traitImplementation() throws(Malformed) {
    try write("<")
    try type()
    try write(" as ")
    try path(inValue: false)
    try write(">")
  }

  private mutating func implementationPath() throws(Malformed) {
    _ = try optionalBase62(after: "s")
    try silently { parser throws(Malformed) in try parser.path(inValue: false) }
  }

  private mutating func nestedName(inValue: Bool) throws(Malformed) {
    let namespace = try next()
    try path(inValue: inValue)
    let (text, disambiguator) = try identifier()
    switch namespace {
    case UInt8(ascii: "A")...UInt8(ascii: "Z"):
      // Things without a name of their own.
      let kinds: [UInt8: String] = [UInt8(ascii: "C"): "closure", UInt8(ascii: "S"): "shim"]
      try write("::{" + (kinds[namespace] ?? String(Unicode.Scalar(namespace))))
      if !text.isEmpty {
        try write(":")
        try write(text)
      }
      try write("#\(disambiguator)}")
    case UInt8(ascii: "a")...UInt8(ascii: "z"):
      guard !text.isEmpty else { return }
      try write("::")
      try write(text)
    default:
      throw Malformed()
    }
  }

  /// Items up to an `E`, with commas between them.
  private mutating func list(
    _ item: (inout RustV0Parser) throws(Malformed) -> Void
  ) throws(Malformed) {
    var isFirst = true
    while !eat("E") {
      if !isFirst { try write(", ") }
      isFirst = false
      try item(&self)
    }
  }

  private mutating func genericArgument() throws(Malformed) {
    if eat("L") {
      try lifetime(try base62())
    } else if eat("K") {
      try constant()
    } else {
      try type()
    }
  }

  private mutating func lifetime(_ number: Int) throws(Malformed) {
    guard number > 0 else { return try write("'_") }
    guard number <= boundLifetimes else { throw Malformed() }
    try write("'" + letter(boundLifetimes - number))
  }

  private func letter(_ position: Int) -> String {
    position < 26 ? String(Unicode.Scalar(UInt8(ascii: "a") + UInt8(position))) : "_\(position)"
  }

  // MARK: - Types

  private static let basicTypes: [UInt8: String] = [
    UInt8(ascii: "a"): "i8", UInt8(ascii: "b"): "bool", UInt8(ascii: "c"): "char",
    UInt8(ascii: "d"): "f64", UInt8(ascii: "e"): "str", UInt8(ascii: "f"): "f32",
    UInt8(ascii: "h"): "u8", UInt8(ascii: "i"): "isize", UInt8(ascii: "j"): "usize",
    UInt8(ascii: "l"): "i32", UInt8(ascii: "m"): "u32", UInt8(ascii: "n"): "i128",
    UInt8(ascii: "o"): "u128", UInt8(ascii: "p"): "_", UInt8(ascii: "s"): "i16",
    UInt8(ascii: "t"): "u16", UInt8(ascii: "u"): "()", UInt8(ascii: "v"): "...",
    UInt8(ascii: "x"): "i64", UInt8(ascii: "y"): "u64", UInt8(ascii: "z"): "!",
  ]

  private mutating func type() throws(Malformed) {
    try nested { parser throws(Malformed) in try parser.typeBody() }
  }

  private mutating func typeBody() throws(Malformed) {
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

  private mutating func reference(_ mark: String) throws(Malformed) {
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

  private mutating func tuple() throws(Malformed) {
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
  private mutating func binding(
    _ body: (inout RustV0Parser) throws(Malformed) -> Void
  ) throws(Malformed) {
    let count = try optionalBase62(after: "G")
    guard count <= 64 else { throw Malformed() }
    let outer = boundLifetimes
    if count > 0 {
      let names = (outer..<outer + count).map { "'" + letter($0) }
      try write("for<" + names.joined(separator: ", ") + "> ")
    }
    boundLifetimes += count
    try body(&self)
    boundLifetimes = outer
  }

  private mutating func functionType() throws(Malformed) {
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

  private mutating func traitObject() throws(Malformed) {
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

  private mutating func constant() throws(Malformed) {
    try nested { parser throws(Malformed) in try parser.constantBody() }
  }

  private mutating func constantBody() throws(Malformed) {
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
