// Rust's names as its compilers mangled them until 2025: C++'s nested names with a hash behind.

/// Demangles Rust's names, of both schemes.
enum RustName {
  static func demangle(_ mangled: [UInt8]) -> DemangledName? {
    if mangled.starts(with: "_R".utf8) {
      guard let name = RustV0Parser.demangle(mangled) else { return nil }
      return DemangledName(language: .rust, full: name, simplified: withoutArguments(name))
    }
    return demangleLegacy(mangled)
  }

  /// A path without the generic arguments of its functions (`::<…>`), which the older scheme never
  /// told.
  ///
  /// Unchanged where brackets do not match.
  private static func withoutArguments(_ name: String) -> String {
    let bytes = [UInt8](name.utf8)
    var kept: [UInt8] = []
    var index = 0
    while index < bytes.count {
      if bytes[index...].starts(with: "::<".utf8) {
        guard let end = closingBracket(bytes, after: index + 2) else { return name }
        index = end + 1
      } else {
        kept.append(bytes[index])
        index += 1
      }
    }
    return String(decoding: kept, as: UTF8.self)
  }

  private static func closingBracket(_ bytes: [UInt8], after open: Int) -> Int? {
    var depth = 0
    for index in open..<bytes.count {
      if bytes[index] == UInt8(ascii: "<") { depth += 1 }
      if bytes[index] == UInt8(ascii: ">"), bytes[index - 1] != UInt8(ascii: "-") { depth -= 1 }
      if depth == 0 { return index }
    }
    return nil
  }

  /// `_ZN` {length, text} `17h` 16 hexadecimal digits `E`, and perhaps a suffix of the optimiser.
  private static func demangleLegacy(_ mangled: [UInt8]) -> DemangledName? {
    guard mangled.starts(with: "_ZN".utf8) else { return nil }
    var parts: [ArraySlice<UInt8>] = []
    var index = 3
    while index < mangled.count, mangled[index] != UInt8(ascii: "E") {
      var length = 0
      guard isDigit(mangled[index]) else { return nil }
      while index < mangled.count, isDigit(mangled[index]) {
        length = length * 10 + Int(mangled[index] - UInt8(ascii: "0"))
        index += 1
        guard length <= mangled.count else { return nil }
      }
      guard length > 0, index + length <= mangled.count else { return nil }
      parts.append(mangled[index..<index + length])
      index += length
    }
    guard index < mangled.count, parts.count > 1, let hash = parts.popLast(), hash.count == 17,
      hash.first == UInt8(ascii: "h"), hash.dropFirst().allSatisfy(isHexDigit)
    else { return nil }
    let path = parts.map(unescaped).joined(separator: "::")
    let full = path + "::" + String(decoding: hash, as: UTF8.self)
    return DemangledName(language: .rust, full: full, simplified: path)
  }

  /// A component with `$LT$` and its like replaced by what they stand for.
  private static func unescaped(_ component: ArraySlice<UInt8>) -> String {
    var rest = component
    // The underscore only keeps the `$` from being first.
    if rest.starts(with: "_$".utf8) { rest.removeFirst() }
    var text: [UInt8] = []
    while let byte = rest.first {
      if byte == UInt8(ascii: "$"), let end = rest.dropFirst().firstIndex(of: UInt8(ascii: "$")),
        let meaning = meaning(
          of: String(decoding: rest[(rest.startIndex + 1)..<end], as: UTF8.self))
      {
        text += Array(meaning.utf8)
        rest = rest[(end + 1)...]
      } else if rest.starts(with: "..".utf8) {
        text += Array("::".utf8)
        rest = rest.dropFirst(2)
      } else {
        text.append(byte)
        rest.removeFirst()
      }
    }
    return Demangler.printable(text)
  }

  private static func meaning(of escape: String) -> String? {
    switch escape {
    case "SP": return "@"
    case "BP": return "*"
    case "RF": return "&"
    case "LT": return "<"
    case "GT": return ">"
    case "LP": return "("
    case "RP": return ")"
    case "C": return ","
    default:
      guard escape.first == "u", let code = UInt32(escape.dropFirst(), radix: 16),
        let scalar = Unicode.Scalar(code)
      else { return nil }
      return String(Character(scalar))
    }
  }

  static func isDigit(_ byte: UInt8) -> Bool {
    (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
  }

  static func isHexDigit(_ byte: UInt8) -> Bool {
    isDigit(byte) || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte)
  }
}
