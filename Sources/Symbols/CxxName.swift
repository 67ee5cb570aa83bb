// C++'s demangled names: made shorter.

/// What can be said of a C++ name from its text.
enum CxxName {
  /// An upper bound for the binary logarithm of how often the name can repeat a part of itself.
  ///
  /// `S_`, `S0_`, `T_`, … refer to earlier parts, and each can double the result; a pack expansion
  /// (`Dp`, `sp`) repeats a pattern for each member of a pack.
  static func expansionBits(_ mangled: [UInt8]) -> Int {
    var bits = 0
    for index in mangled.indices {
      let rest = mangled[(index + 1)...]
      switch mangled[index] {
      case UInt8(ascii: "S"), UInt8(ascii: "T"):
        let end = rest.firstIndex { !isSequenceDigit($0) }
        if let end, mangled[end] == UInt8(ascii: "_") { bits += 1 }
      case UInt8(ascii: "D"), UInt8(ascii: "s"):
        if rest.first == UInt8(ascii: "p") { bits += 6 }
      default: break
      }
    }
    return bits
  }

  private static func isSequenceDigit(_ byte: UInt8) -> Bool {
    (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
      || (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte)
  }

  /// The name without clones, inline namespaces and default template arguments of the library.
  static func simplified(_ full: String) -> String {
    var name = full
    while name.hasSuffix("]"), let clone = Substring(name).range(of: " [clone ") {
      name = String(name[..<clone.lowerBound])
    }
    var bytes = withoutDefaultArguments([UInt8](name.utf8)) ?? [UInt8](name.utf8)
    for (old, new) in [
      ("std::__cxx11::", "std::"), ("std::__1::", "std::"),
      ("std::basic_string<char>", "std::string"),
      ("std::basic_string_view<char>", "std::string_view"),
    ] {
      bytes = replacing(Array(old.utf8), with: Array(new.utf8), in: bytes)
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  private static let defaultArguments = [
    "allocator", "char_traits", "less", "hash", "equal_to", "default_delete",
  ].flatMap { ["std::\($0)<", "std::__1::\($0)<"] }.map { Array($0.utf8) }

  /// Drops the arguments that end a template argument list and that nobody writes.
  ///
  /// Nil where the brackets do not match.
  private static func withoutDefaultArguments(_ name: [UInt8]) -> [UInt8]? {
    var kept: [UInt8] = []
    kept.reserveCapacity(name.count)
    // For each open bracket: which one, and where its commas stand in `kept`.
    var open: [(bracket: UInt8, commas: [Int])] = []
    var index = 0
    while index < name.count {
      let byte = name[index]
      if byte == UInt8(ascii: "o"), let end = operatorEnd(name, at: index) {
        kept += name[index..<end]
        index = end
        continue
      }
      switch byte {
      case UInt8(ascii: "<"), UInt8(ascii: "("):
        open.append((byte, []))
      case UInt8(ascii: ","):
        if !open.isEmpty { open[open.count - 1].commas.append(kept.count) }
      case UInt8(ascii: ")"):
        guard open.popLast()?.bracket == UInt8(ascii: "(") else { return nil }
      case UInt8(ascii: ">") where kept.last != UInt8(ascii: "-"):
        guard let list = open.popLast(), list.bracket == UInt8(ascii: "<") else { return nil }
        dropDefaults(&kept, commas: list.commas)
      default: break
      }
      kept.append(byte)
      index += 1
    }
    return open.isEmpty ? kept : nil
  }

  private static func dropDefaults(_ kept: inout [UInt8], commas: [Int]) {
    for comma in commas.reversed() {
      let argument = kept[(comma + 1)...].drop { $0 == UInt8(ascii: " ") }
      guard defaultArguments.contains(where: { argument.starts(with: $0) }),
        argument.last == UInt8(ascii: ">") || argument.last == UInt8(ascii: " ")
      else { break }
      kept.removeSubrange(comma...)
    }
    while kept.last == UInt8(ascii: " ") { kept.removeLast() }
  }

  /// Past `operator<`, `operator->*` and their like, whose brackets are no brackets.
  private static func operatorEnd(_ name: [UInt8], at index: Int) -> Int? {
    let word = Array("operator".utf8)
    guard name[index...].starts(with: word) else { return nil }
    let start = index + word.count
    for symbol in ["<=>", "<<=", ">>=", "->*", "<<", ">>", "<=", ">=", "->", "()", "<", ">"]
    where name[start...].starts(with: symbol.utf8) {
      return start + symbol.utf8.count
    }
    return nil
  }

  private static func replacing(_ old: [UInt8], with new: [UInt8], in text: [UInt8]) -> [UInt8] {
    var result: [UInt8] = []
    result.reserveCapacity(text.count)
    var index = 0
    while index < text.count {
      if text[index...].starts(with: old) {
        result += new
        index += old.count
      } else {
        result.append(text[index])
        index += 1
      }
    }
    return result
  }

  /// A C name without what compilers append to the parts and copies that they make of a function:
  /// `.cold`, `.part.0`, `.isra.0`, `.constprop.0`, `.lto_priv.0`, `.llvm.123`.
  static func withoutOptimiserSuffix(_ name: String) -> String {
    guard let dot = name.firstIndex(of: "."), dot > name.startIndex else { return name }
    let known = [
      ".cold", ".part", ".isra", ".constprop", ".lto_priv", ".llvm", ".localalias", ".warm",
    ]
    let suffix = name[dot...]
    return known.contains { suffix == $0 || suffix.hasPrefix($0 + ".") }
      ? String(name[..<dot]) : name
  }
}
