// Names of C++, Swift and Rust, and names made to do harm.

import Symbols
import TestSupport
import Testing

@Suite struct DemanglerTests {
  @Test(
    "C++",
    arguments: [
      ("_Z1fv", "f()", "f()"),
      ("_ZN5shape6Circle4areaEv", "shape::Circle::area()", "shape::Circle::area()"),
      (
        "_ZNSt6vectorIiSaIiEE9push_backEOi",
        "std::vector<int, std::allocator<int> >::push_back(int&&)",
        "std::vector<int>::push_back(int&&)"
      ),
      (
        "_Z3addNSt7__cxx1112basic_stringIcSt11char_traitsIcESaIcEEE",
        "add(std::__cxx11::basic_string<char, std::char_traits<char>, std::allocator<char> >)",
        "add(std::string)"
      ),
      (
        "_Z3useSt3mapIiiSt4lessIiESaISt4pairIKiiEEE",
        "use(std::map<int, int, std::less<int>, std::allocator<std::pair<int const, int> > >)",
        "use(std::map<int, int>)"
      ),
      // An allocator that is a parameter of its own stays.
      ("_Z4withiSaIiE", "with(int, std::allocator<int>)", "with(int, std::allocator<int>)"),
      ("_ZN1AlsERKS_", "A::operator<<(A const&)", "A::operator<<(A const&)"),
      ("_ZN1AgtERKS_", "A::operator>(A const&)", "A::operator>(A const&)"),
      ("_Z1fv.cold", "f() [clone .cold]", "f()"),
      ("_Znwm", "operator new(unsigned long)", "operator new(unsigned long)"),
    ])
  func cxx(mangled: String, full: String, simplified: String) {
    #expect(Demangler.demangle(mangled, style: .full) == full)
    #expect(Demangler.demangle(mangled) == simplified)
  }

  @Test(
    "Swift",
    arguments: [
      (
        "$s4main3FooV3bar1xS2i_tF", "main.Foo.bar(x: Swift.Int) -> Swift.Int",
        "main.Foo.bar(x: Int) -> Int"
      ),
      (
        "_$s4main3FooV3bar1xS2i_tF", "main.Foo.bar(x: Swift.Int) -> Swift.Int",
        "main.Foo.bar(x: Int) -> Int"
      ),
      ("_T04main3fooyyF", "main.foo() -> ()", "main.foo() -> ()"),
      (
        "$sSa6appendyyxnFSi_Tg5",
        "generic specialization <Swift.Int> of Swift.Array.append(__owned A) -> ()",
        "Array.append(__owned A) -> ()"
      ),
      (
        "$s4main3fooyyFyycfU_", "closure #1 () -> () in main.foo() -> ()",
        "closure #1 () -> () in main.foo() -> ()"
      ),
      (
        "$s4main3fooyyFyycfU_TA",
        "partial apply forwarder for closure #1 () -> () in main.foo() -> ()",
        "closure #1 () -> () in main.foo() -> ()"
      ),
    ])
  func swift(mangled: String, full: String, simplified: String) {
    #expect(Demangler.demangle(mangled, style: .full) == full)
    #expect(Demangler.demangle(mangled) == simplified)
  }

  @Test(
    "Rust, both schemes",
    arguments: [
      ("_ZN4test4main17h0123456789abcdefE", "test::main::h0123456789abcdef", "test::main"),
      (
        "_ZN50_$LT$alloc..vec..Vec$LT$T$GT$$u20$as$u20$a..Tr$GT$3get17h0123456789abcdefE",
        "<alloc::vec::Vec<T> as a::Tr>::get::h0123456789abcdef",
        "<alloc::vec::Vec<T> as a::Tr>::get"
      ),
      // Fifteen digits are no hash, and this is C++.
      (
        "_ZN4test4main16h0123456789abcdeE", "test::main::h0123456789abcde",
        "test::main::h0123456789abcde"
      ),
      ("_RNvC4test4main", "test::main", "test::main"),
      ("_RNvCs6xxl1lAjzDf_1a4main", "a::main", "a::main"),
      (
        "_RNCNvCs15kBYyAo9fc_7mycrate7example0B3_", "mycrate::example::{closure#0}",
        "mycrate::example::{closure#0}"
      ),
      ("_RINvC1a1flE", "a::f::<i32>", "a::f"),
      ("_RNvMC1aNtC1a3Foo3new", "<a::Foo>::new", "<a::Foo>::new"),
      ("_RNvXC1aNtC1a3FooNtC1a3Tra3run", "<a::Foo as a::Tra>::run", "<a::Foo as a::Tra>::run"),
      ("_RINvC1a1fRShQTmEE", "a::f::<&[u8], &mut (u32,)>", "a::f"),
      ("_RINvC1a1fAhj3_E", "a::f::<[u8; 3]>", "a::f"),
      ("_RINvC1a1fKb1_Kc41_KlnaE", "_RINvC1a1fKb1_Kc41_KlnaE", "_RINvC1a1fKb1_Kc41_KlnaE"),
      ("_RINvC1a1fKb1_Kc41_Klna_E", "a::f::<true, 'A', -10>", "a::f"),
      ("_RINvC1a1fFUKCmEyE", "a::f::<unsafe extern \"C\" fn(u32) -> u64>", "a::f"),
      (
        "_RINvC1a1fDG_INtC1b2FnRL0_eEp6OutputuEL_E",
        "a::f::<dyn for<'a> b::Fn<&'a str, Output = ()>>", "a::f"
      ),
    ])
  func rust(mangled: String, full: String, simplified: String) {
    #expect(Demangler.demangle(mangled, style: .full) == full)
    #expect(Demangler.demangle(mangled) == simplified)
  }

  @Test(
    "plain names and near misses stay as they are",
    arguments: [
      "main", "_", "_Z", "_R", "$s", "_ZN", "$sX", "_T0", "_RNv", "__Z", "", "éa", "a.b.c",
    ])
  func plain(name: String) {
    #expect(Demangler.demangle(name, style: .full) == name)
    #expect(Demangler.demangle(name) == name)
  }

  @Test("the optimiser's suffixes go only from the simplified form")
  func suffixes() {
    for suffix in [".cold", ".part.0", ".isra.0", ".constprop.3", ".llvm.123", ".part.0.cold"] {
      #expect(Demangler.demangle("work" + suffix) == "work")
      #expect(Demangler.demangle("work" + suffix, style: .full) == "work" + suffix)
    }
    #expect(Demangler.demangle("work.coldest") == "work.coldest")
  }

  @Test("a name that repeats itself without end stays mangled")
  func explosive() {
    // Each level of `P<X, X>` is made of the level before, twice: 2^60 letters in all.
    var cxx = "_Z1f1A1PIS_S_E"
    for level in 0..<30 {
      let digit = String(level + 1, radix: 36, uppercase: true)
      cxx += "S0_IS\(digit)_S\(digit)_E"
    }
    #expect(Demangler.demangle(cxx) == cxx)

    var swift = "$s1a1fyyAA1GVy" + String(repeating: "ADy", count: 40) + "S2iG"
    for level in 4..<44 { swift += (level < 26 ? "A" + letter(level) : levelName(level)) + "G" }
    #expect(Demangler.demangle(swift + "F") == swift + "F")

    var rust = "_RINvC1a1f"
    for level in 0..<60 { rust += "TB\(base62(level * 4))B\(base62(level * 4))E" }
    #expect(Demangler.demangle(rust + "E").utf8.count <= 16_384)
  }

  private func letter(_ index: Int) -> String { String(Unicode.Scalar(UInt8(65 + index))) }
  private func levelName(_ index: Int) -> String { index == 26 ? "A_" : "A\(index - 27)_" }
  private func base62(_ value: Int) -> String {
    value == 0 ? "_" : String(value - 1, radix: 36) + "_"
  }

  @Test("names that only look explosive come out of the guard as they would without")
  func guarded() {
    // Twenty-one short references: more than are expanded in this process, and harmless.
    let mangled = "_Z1f1A" + String(repeating: "S_", count: 24)
    let expected = "f(" + Array(repeating: "A", count: 25).joined(separator: ", ") + ")"
    #expect(Demangler.demangle(mangled) == expected)
  }

  @Test("damaged names give something printable", arguments: [7, 8, 9])
  func damaged(seed: UInt64) {
    var random = SeededRandom(seed: seed)
    let good = [
      "_ZNSt6vectorIiSaIiEE9push_backEOi", "$sSa6appendyyxnFSi_Tg5", "$s4main3FooV3bar1xS2i_tF",
      "_ZN4test4main17h0123456789abcdefE", "_RINvC1a1fDG_INtC1b2FnRL0_eEp6OutputuEL_E",
      "_RNCNvCs15kBYyAo9fc_7mycrate7example0B3_",
    ]
    for _ in 0..<3000 {
      var bytes = Array(good[Int.random(in: good.indices, using: &random)].utf8)
      for _ in 0..<Int.random(in: 1...4, using: &random) {
        let index = Int.random(in: 2..<bytes.count, using: &random)
        switch Int.random(in: 0..<3, using: &random) {
        case 0: bytes[index] = UInt8.random(in: 1...255, using: &random)
        case 1: bytes.remove(at: index)
        default: bytes.insert(bytes[Int.random(in: 2..<bytes.count, using: &random)], at: index)
        }
      }
      let name = Demangler.demangle(String(decoding: bytes, as: UTF8.self))
      #expect(
        !name.isEmpty && name.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value != 0x7f })
    }
  }

  @Test("control characters and marks that turn text are replaced")
  func printable() {
    #expect(Demangler.demangle("a\nb\u{1b}c\u{202e}d\u{7f}\u{85}é") == "a�b�c�d��é")
  }
}
