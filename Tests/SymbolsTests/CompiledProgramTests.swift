// Programs from real compilers: each allocation must lead to the function that asked for it.

import Glibc
import MemoryUnits
import Symbols
import Testing
import Trace

@Suite struct CompiledProgramTests {
  /// The mangled names of a file's functions and where they begin.
  private func functions(_ path: String, _ workshop: Workshop) throws -> [(
    name: String, start: UInt64
  )] {
    let output = workshop.file("nm")
    #expect(try run([try #require(nm), "--defined-only", path], output: output) == 0)
    return String(decoding: try contents(of: output), as: UTF8.self).split(separator: "\n")
      .compactMap {
        let words = $0.split(separator: " ")
        guard words.count == 3, "tTwW".contains(words[1]), let start = UInt64(words[0], radix: 16)
        else {
          return nil
        }
        return (String(words[2]), start)
      }
  }

  private func kinds(_ path: String, _ workshop: Workshop) throws -> [String: FrameKind] {
    let symbolizer = Symbolizer(modules: [module(path)])
    var kinds: [String: FrameKind] = [:]
    for function in try functions(path, workshop) {
      let frame = symbolizer.frame(at: function.start)
      guard frame.isResolved else { continue }
      kinds[frame.function] = frame.kind
    }
    return kinds
  }

  @Test("C++: templates of the library are told from the user's by their mangled names")
  func cxx() throws {
    let workshop = Workshop()
    let path = try workshop.compile(
      """
      #include <cstddef>
      namespace std {
        template <class T> struct allocator { T *allocate(size_t); };
        template <class T> T *allocator<T>::allocate(size_t n) { return (T *)operator new(n * sizeof(T)); }
        template <class T> struct vector {
          T *data;
          template <class U> int emplace(U &&value);
        };
        template <class T> template <class U> int vector<T>::emplace(U &&value) {
          data = allocator<T>().allocate(1);
          *data = value;
          return 1;
        }
      }
      struct Own { int v; };
      template <class T> int grow(std::vector<T> &v) { return v.emplace(T{}); }
      int use() { std::vector<int> v; std::vector<Own> w; return grow(v) + grow(w); }
      """, named: "templates.cpp", to: "templates.so",
      ["-shared", "-nostdlib", "-fPIC", "-O0", "-fno-exceptions"])
    let kinds = try kinds(path, workshop)
    #expect(kinds["std::allocator<int>::allocate(unsigned long)"] == .allocator)
    #expect(kinds["int std::vector<int>::emplace<int>(int&&)"] == .runtime)
    #expect(kinds["int std::vector<Own>::emplace<Own>(Own&&)"] == .runtime)
    #expect(kinds["int grow<int>(std::vector<int>&)"] == .user)
    #expect(kinds["use()"] == .user)
  }

  @Test(
    "Swift: specialised library functions are the library's, extensions the user's")
  func swift() throws {
    let workshop = Workshop()
    try workshop.write(
      "shop.swift",
      Array(
        """
        public struct Item { var a = 1, b = 2 }
        extension Array { @inline(never) public func doubled() -> [Element] { self + self } }
        @inline(never) public func collect(_ n: Int) -> [Item] {
          var items: [Item] = []
          for _ in 0..<n { items.append(Item()) }
          return items.doubled()
        }
        public func closures(_ n: Int) -> [Int] { (0..<n).map { $0 &* n } }
        """.utf8))
    let path = workshop.file("libshop.so")
    let options = ["-O", "-emit-library", "-parse-as-library", "-module-name", "shop"]
    #expect(try run(["swiftc"] + options + ["-o", path, workshop.file("shop.swift")]) == 0)
    let kinds = try kinds(path, workshop)
    #expect(kinds["shop.collect(Int) -> Array<shop.Item>"] == .user)
    #expect(kinds["(extension in shop):Array.doubled() -> Array<A>"] == .user)
    let runtime = kinds.filter { $0.value == .runtime }.keys
    #expect(runtime.contains { $0.hasPrefix("Array.") || $0.hasPrefix("_") }, "\(kinds)")
    for (name, kind) in kinds where name.contains(" in shop.closures") {
      #expect(kind == .user, "\(name)")
    }
  }
}
