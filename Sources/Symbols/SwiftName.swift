// Swift's demangled names: made shorter, and judged.

/// What can be said of a Swift name from its text.
enum SwiftName {
  /// An upper bound for the binary logarithm of how often the name can repeat a part of itself.
  ///
  /// `A` begins references to earlier parts: lower-case letters go on, a number in front of a
  /// letter repeats it (up to 2048 times), anything else ends the run. Each can double the result.
  /// Counting starts anew at each `A`, since text that looks like a reference may be one.
  static func expansionBits(_ mangled: [UInt8]) -> Int {
    // Before Swift 4 the references were those of C++.
    var bits = mangled.starts(with: "_Tt".utf8) ? CxxName.expansionBits(mangled) : 0
    for start in mangled.indices where mangled[start] == UInt8(ascii: "A") {
      var repeats = 0
      var runLength = 0
      run: for byte in mangled[(start + 1)...] {
        runLength += 1
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"):
          repeats = min(repeats * 10 + Int(byte - UInt8(ascii: "0")), 4096)
        case UInt8(ascii: "a")...UInt8(ascii: "z"):
          bits += bitWidth(of: repeats)
          repeats = 0
        case UInt8(ascii: "A") where runLength == 1:
          // The first part of all, the plain identifier of a module or type.
          break run
        case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "_"):
          bits += bitWidth(of: repeats)
          break run
        default:
          break run
        }
      }
      if bits > 64 { break }
    }
    return bits
  }

  private static func bitWidth(of repeats: Int) -> Int {
    max(1, Int.bitWidth - repeats.leadingZeroBitCount)
  }

  /// The name without what the optimiser did to the function and without `Swift.` before types.
  static func simplified(_ full: String) -> String {
    withoutModule(withoutWrapping(full))
  }

  /// Marks in front of the name of a function that was derived from it.
  private static let wrappings = [
    "merged ", "dispatch thunk of ", "partial apply forwarder for ", "partial apply ",
    "distributed thunk ", "async function pointer to ", "@objc ", "@nonobjc ",
    "(1) await resume partial function for ", "(1) suspend resume partial function for ",
  ]
  private static let specialisations = [
    "generic specialization ", "generic partial specialization ",
    "generic not re-abstracted specialization ", "function signature specialization ",
    "inlined generic function ", "generic pre-specialization ", "reabstraction thunk ",
  ]

  /// The function itself, where the name is that of a specialisation, a thunk or a part of it.
  static func withoutWrapping(_ full: String) -> String {
    var name = Substring(full)
    if let suffix = name.range(of: " with unmangled suffix ") { name = name[..<suffix.lowerBound] }
    var wentOn = true
    while wentOn {
      wentOn = false
      for mark in wrappings where name.hasPrefix(mark) {
        name = name.dropFirst(mark.count)
        wentOn = true
      }
      if let rest = withoutResumePoint(name) ?? withoutSpecialisation(name) {
        name = rest
        wentOn = true
      }
    }
    return String(name)
  }

  /// Drops `(2) suspend resume partial function for `, whatever its number.
  private static func withoutResumePoint(_ name: Substring) -> Substring? {
    guard name.first == "(", let close = name.firstIndex(of: ")"),
      name[name.index(after: name.startIndex)..<close].allSatisfy(\.isNumber)
    else { return nil }
    for mark in [") await resume partial function for ", ") suspend resume partial function for "]
    where name[close...].hasPrefix(mark) {
      return name[close...].dropFirst(mark.count)
    }
    return nil
  }

  /// Drops `generic specialization <…> of ` and its like.
  private static func withoutSpecialisation(_ name: Substring) -> Substring? {
    guard let mark = specialisations.first(where: name.hasPrefix) else { return nil }
    var rest = name.dropFirst(mark.count)
    if rest.first == "<" {
      var depth = 0
      var last: Character = " "
      guard
        let close = rest.firstIndex(where: { character in
          if character == "<" { depth += 1 }
          if character == ">", last != "-" { depth -= 1 }
          last = character
          return depth == 0
        })
      else { return nil }
      rest = rest[rest.index(after: close)...]
      if rest.first == " " { rest = rest.dropFirst() }
    }
    return rest.hasPrefix("of ") ? rest.dropFirst(3) : nil
  }

  /// The name without `Swift.` and `__C.` where they stand before an identifier of their own.
  private static func withoutModule(_ name: String) -> String {
    let bytes = [UInt8](name.utf8)
    var kept: [UInt8] = []
    kept.reserveCapacity(bytes.count)
    var index = 0
    while index < bytes.count {
      let follows = kept.last.map(continuesIdentifier) ?? false
      if !follows, bytes[index...].starts(with: "Swift.".utf8) {
        index += 6
      } else if !follows, bytes[index...].starts(with: "__C.".utf8) {
        index += 4
      } else {
        kept.append(bytes[index])
        index += 1
      }
    }
    return kept.isEmpty ? name : String(decoding: kept, as: UTF8.self)
  }

  private static func continuesIdentifier(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "."), 0x80...:
      true
    default: false
    }
  }
}

extension Substring {
  /// The first place where `text` stands.
  func range(of text: String) -> Range<Index>? {
    let wanted = Array(text.utf8)
    var start = utf8.startIndex
    while start < utf8.endIndex {
      if utf8[start...].starts(with: wanted) {
        return start..<utf8.index(start, offsetBy: wanted.count)
      }
      start = utf8.index(after: start)
    }
    return nil
  }
}
