// Whose code a frame is, and which frame of a stack is the user's.

import Symbols
import Testing

@Suite struct FrameKindTests {
  @Test(
    "by name, in the program itself",
    arguments: [
      ("malloc", FrameKind.allocator), ("operator new(unsigned long)", .allocator),
      ("operator new[](unsigned long, std::align_val_t)", .allocator), ("xmalloc", .allocator),
      ("swift_slowAlloc", .allocator), ("swift_allocObject", .allocator),
      ("_int_malloc", .allocator),
      ("__rust_alloc", .allocator), ("alloc::alloc::exchange_malloc", .allocator),
      ("alloc::raw_vec::RawVec<T>::grow_one", .allocator), ("__rustc::__rust_alloc", .allocator),
      ("std::allocator<int>::allocate(unsigned long)", .allocator),
      ("std::vector<int>::push_back(int&&)", .runtime), ("swift_retain", .runtime),
      ("alloc::vec::Vec<T>::push", .runtime),
      ("<alloc::string::String as core::clone::Clone>::clone", .runtime),
      ("hashbrown::raw::RawTable::reserve", .runtime), ("_start", .runtime),
      ("Swift.Array.append(__owned A) -> ()", .runtime),
      ("static Swift.Array.make() -> ()", .runtime),
      ("closure #1 (Swift.Int) -> () in Swift.Array.map()", .runtime),
      ("outlined copy of main.Foo", .runtime),
      ("main", .user), ("shape::Circle::area()", .user), ("my_malloc_user", .user), ("", .user),
      ("main.foo() -> ()", .user), ("closure #1 () -> () in main.foo() -> ()", .user),
      ("(extension in main):Swift.Array.foo() -> ()", .user), ("standard::run()", .user),
      ("<mine::Thing as core::clone::Clone>::clone", .user), ("Swiftly.run() -> ()", .user),
    ])
  func function(name: String, kind: FrameKind) {
    #expect(FrameKind(function: name, module: "program") == kind, "\(name)")
  }

  @Test(
    "by module",
    arguments: [
      ("libc.so.6", FrameKind.runtime), ("ld-linux-x86-64.so.2", .runtime),
      ("libstdc++.so.6.0.30", .runtime), ("libswiftCore.so", .runtime), ("libgcc_s.so.1", .runtime),
      ("liblacuna.so", .allocator), ("libjemalloc.so.2", .allocator), ("libsqlite3.so.0", .user),
      ("program", .user), ("libcurl.so.4", .user), ("", .user),
    ])
  func module(name: String, kind: FrameKind) {
    #expect(FrameKind(function: "something", module: name) == kind, "\(name)")
  }

  private func stack(_ names: [(String, String)]) -> [Frame] {
    names.map { Frame(function: $0.0, module: $0.1) }
  }

  @Test("the innermost frame of the user's own, past all glue")
  func userFrame() {
    let frames = stack([
      ("malloc", "liblacuna.so"), ("operator new(unsigned long)", "libstdc++.so.6"),
      ("std::vector<int>::push_back(int&&)", "program"), ("fill()", "program"), ("main", "program"),
    ])
    #expect(userFrameIndex(frames) == 3)
    #expect(frames.map(isAllocatorInternal) == [true, false, false, false, false])
  }

  @Test("else the innermost that is no allocator, else the first")
  func noUserFrame() {
    let runtime = stack([
      ("malloc", "libc.so.6"), ("strdup", "libc.so.6"), ("init", "ld-linux-x86-64.so.2"),
    ])
    #expect(
      userFrameIndex(
        runtime.map { frame in
          var frame = frame
          if frame.function == "malloc" { frame.kind = .allocator }
          return frame
        }) == 1)
    #expect(userFrameIndex(stack([("malloc", "a"), ("operator new(unsigned long)", "a")])) == 0)
    #expect(userFrameIndex([]) == 0)
  }

  @Test("an unresolved frame in a runtime is the runtime's, elsewhere the user's")
  func unresolved() {
    #expect(
      Frame(function: "libc.so.6+0x1", module: "libc.so.6", isResolved: false).kind == .runtime)
    #expect(Frame(function: "program+0x1", module: "program", isResolved: false).kind == .user)
  }
}
