// Turns the names that compilers give to functions into the names that people gave them.

import CDemangle

/// How much of a demangled name is kept.
public enum NameStyle: Sendable {
  /// All that the demangler says.
  case full
  /// Shorter, for people: no `Swift.` in front of types, no default template arguments of the C++
  /// library, no marks of what the optimiser did, no hashes. Not reversible.
  case simplified
}

/// The compiler, so to speak, that made a name.
enum NameLanguage: Sendable {
  case c
  case cxx
  case swift
  case rust
}

/// A function's name after demangling, always fit to print.
struct DemangledName {
  var language: NameLanguage
  var full: String
  var simplified: String
}

/// Demangles C++, Swift and Rust names.
///
/// Names come from untrusted files: whatever they hold, the result is bounded, is made in bounded
/// time, and has no control characters.
public enum Demangler {
  /// Longer mangled names, in bytes, are shown as they are, shortened.
  static let longestName = 4096
  /// Longer demangled names, in bytes, are cut.
  static let longestResult = 16_384
  /// What is shown of a name that is too long to demangle.
  private static let shownOfLongName = 512

  /// The name that `mangled` stands for; `mangled` itself, made printable, where it is no mangled
  /// name.
  public static func demangle(_ mangled: String, style: NameStyle = .simplified) -> String {
    var patience = 1
    let name = demangle(bytes: [UInt8](mangled.utf8), patience: &patience)
    return style == .full ? name.full : name.simplified
  }

  /// Demangles, and takes one from `patience` for each name that expands beyond all limits: with
  /// none left, names that may do so are shown mangled.
  static func demangle(bytes: [UInt8], patience: inout Int) -> DemangledName {
    guard bytes.count <= longestName else {
      let start = printable(bytes.prefix(shownOfLongName)) + "…"
      return DemangledName(language: .c, full: start, simplified: start)
    }
    if let name = demangleSwift(bytes, &patience) ?? RustName.demangle(bytes)
      ?? demangleCxx(bytes, &patience)
    {
      return name
    }
    let plain = printable(bytes)
    return DemangledName(
      language: .c, full: plain, simplified: CxxName.withoutOptimiserSuffix(plain))
  }

  private static func demangleSwift(_ bytes: [UInt8], _ patience: inout Int) -> DemangledName? {
    let prefixes = ["$s", "$S", "_$s", "_$S", "$e", "_$e", "_T0", "_Tt", "@__swiftmacro_"]
    guard prefixes.contains(where: { bytes.starts(with: $0.utf8) }),
      // Bytes below the space would be read as references into this process's own memory.
      bytes.allSatisfy({ $0 > 0x20 && $0 != 0x7f }),
      let full = expand(
        LACUNA_MANGLING_SWIFT, bytes, isHarmless: SwiftName.expansionBits(bytes) <= 16, &patience)
    else { return nil }
    return DemangledName(language: .swift, full: full, simplified: SwiftName.simplified(full))
  }

  private static func demangleCxx(_ bytes: [UInt8], _ patience: inout Int) -> DemangledName? {
    guard bytes.starts(with: "_Z".utf8) || bytes.starts(with: "__Z".utf8),
      let full = expand(
        LACUNA_MANGLING_CXX, bytes, isHarmless: CxxName.expansionBits(bytes) <= 20, &patience)
    else { return nil }
    return DemangledName(language: .cxx, full: full, simplified: CxxName.simplified(full))
  }

  /// Calls the demangler, in a process of its own where the name could expand without bound.
  private static func expand(
    _ mangling: lacuna_mangling, _ bytes: [UInt8], isHarmless: Bool, _ patience: inout Int
  ) -> String? {
    guard isHarmless || patience > 0 else { return nil }
    let terminated = bytes + [0]
    var output = [UInt8](repeating: 0, count: longestResult)
    let count = terminated.withUnsafeBufferPointer { name in
      output.withUnsafeMutableBufferPointer { room in
        name.withMemoryRebound(to: CChar.self) { name in
          room.withMemoryRebound(to: CChar.self) { room in
            isHarmless
              ? lacuna_demangle(
                mangling, name.baseAddress, bytes.count, room.baseAddress, room.count)
              : lacuna_demangle_guarded(
                mangling, name.baseAddress, bytes.count, room.baseAddress, room.count, 1 << 28)
          }
        }
      }
    }
    if count == -2 { patience -= 1 }
    guard count > 0 else { return nil }
    let text = printable(output.prefix(count))
    return count < output.count ? text : text + "…"
  }

  /// The bytes as text, with U+FFFD in place of what is not UTF-8, of control characters, and of
  /// the characters that change the direction of the text around them.
  static func printable(_ bytes: some Collection<UInt8>) -> String {
    if bytes.allSatisfy({ $0 >= 0x20 && $0 < 0x7f }) {
      return String(decoding: bytes, as: UTF8.self)
    }
    var text = String.UnicodeScalarView()
    for scalar in String(decoding: bytes, as: UTF8.self).unicodeScalars {
      text.append(isPrintable(scalar) ? scalar : "\u{fffd}")
    }
    return String(text)
  }

  private static func isPrintable(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0..<0x20, 0x7f..<0xa0, 0x200e, 0x200f, 0x2028...0x202e, 0x2066...0x2069: false
    default: true
    }
  }
}
