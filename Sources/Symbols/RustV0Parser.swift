// Rust's names as its compilers mangle them by default since 2025 (RFC 2603, "v0").

/// Reads a v0 name and writes what it means, in one pass.
///
/// References back into the name make the meaning grow without bound, so the output, the nesting
/// and the number of steps are limited.
struct RustV0Parser {
  struct Malformed: Error {}

  static let deepest = 128
  static let mostSteps = 1 << 16

  let name: [UInt8]
  var index = 0
  var output: [UInt8] = []
  var depth = 0
  var steps = 0
  /// Above zero while what is read is not to be shown.
  var silence = 0
  /// Lifetimes bound by the `for<…>` around the current position.
  var boundLifetimes = 0

  init(_ name: ArraySlice<UInt8>) { self.name = Array(name) }

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

  func peek() -> UInt8? { index < name.count ? name[index] : nil }

  mutating func next() throws(Malformed) -> UInt8 {
    guard index < name.count else { throw Malformed() }
    index += 1
    return name[index - 1]
  }

  mutating func eat(_ character: Character) -> Bool {
    guard let byte = peek(), byte == character.asciiValue else { return false }
    index += 1
    return true
  }

  /// `_` is 0, `0_` is 1, and so on, in digits, lower and upper case letters.
  mutating func base62() throws(Malformed) -> UInt64 {
    if eat("_") { return 0 }
    var value: UInt64 = 0
    while !eat("_") {
      let byte = try next()
      let digit: UInt8
      switch byte {
      case UInt8(ascii: "0")...UInt8(ascii: "9"): digit = byte - UInt8(ascii: "0")
      case UInt8(ascii: "a")...UInt8(ascii: "z"): digit = byte - UInt8(ascii: "a") + 10
      case UInt8(ascii: "A")...UInt8(ascii: "Z"): digit = byte - UInt8(ascii: "A") + 36
      default: throw Malformed()
      }
      let (product, overflow) = value.multipliedReportingOverflow(by: 62)
      guard !overflow, product < UInt64.max - 64 else { throw Malformed() }
      value = product + UInt64(digit)
    }
    return value + 1
  }

  mutating func optionalBase62(after tag: Character) throws(Malformed) -> UInt64 {
    eat(tag) ? try base62() + 1 : 0
  }

  mutating func identifier() throws(Malformed) -> (text: [UInt8], disambiguator: UInt64) {
    let disambiguator = try optionalBase62(after: "s")
    return (try plainIdentifier(), disambiguator)
  }

  mutating func plainIdentifier() throws(Malformed) -> [UInt8] {
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

  mutating func write(_ text: some Collection<UInt8>) throws(Malformed) {
    guard silence == 0 else { return }
    output += text
    guard output.count <= Demangler.longestResult else { throw Malformed() }
  }

  mutating func write(_ text: String) throws(Malformed) { try write(text.utf8) }

  mutating func silently(
    _ body: (inout RustV0Parser) throws(Malformed) -> Void
  ) throws(Malformed) {
    silence += 1
    try body(&self)
    silence -= 1
  }

  /// Counts a step down, so that neither nesting nor repetition gets out of hand.
  mutating func nested(
    _ body: (inout RustV0Parser) throws(Malformed) -> Void
  ) throws(Malformed) {
    depth += 1
    steps += 1
    guard depth <= Self.deepest, steps <= Self.mostSteps else { throw Malformed() }
    try body(&self)
    depth -= 1
  }

  /// Reads again what stands at an earlier place.
  mutating func backReference(
    _ body: (inout RustV0Parser) throws(Malformed) -> Void
  ) throws(Malformed) {
    let start = index - 1
    let target = try base62()
    guard target < UInt64(start) else { throw Malformed() }
    guard silence == 0 else { return }
    let resume = index
    index = Int(target)
    try nested(body)
    index = resume
  }

  // MARK: - Paths

  mutating func path(inValue: Bool) throws(Malformed) {
    try nested { parser throws(Malformed) in try parser.pathBody(inValue: inValue) }
  }

  mutating func pathBody(inValue: Bool) throws(Malformed) {
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

  mutating func traitImplementation() throws(Malformed) {
    try write("<")
    try type()
    try write(" as ")
    try path(inValue: false)
    try write(">")
  }

  mutating func implementationPath() throws(Malformed) {
    _ = try optionalBase62(after: "s")
    try silently { parser throws(Malformed) in try parser.path(inValue: false) }
  }

  mutating func nestedName(inValue: Bool) throws(Malformed) {
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
  mutating func list(
    _ item: (inout RustV0Parser) throws(Malformed) -> Void
  ) throws(Malformed) {
    var isFirst = true
    while !eat("E") {
      if !isFirst { try write(", ") }
      isFirst = false
      try item(&self)
    }
  }

  mutating func genericArgument() throws(Malformed) {
    if eat("L") {
      try lifetime(try base62())
    } else if eat("K") {
      try constant()
    } else {
      try type()
    }
  }

  mutating func lifetime(_ number: UInt64) throws(Malformed) {
    guard number > 0 else { return try write("'_") }
    guard number <= UInt64(boundLifetimes) else { throw Malformed() }
    try write("'" + letter(boundLifetimes - Int(number)))
  }

  func letter(_ position: Int) -> String {
    position < 26 ? String(Unicode.Scalar(UInt8(ascii: "a") + UInt8(position))) : "_\(position)"
  }
}
