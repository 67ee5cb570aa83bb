// Whether a program can be traced by preloading, for every kind of program.

import Glibc
import Symbols
import Testing

@Suite struct ExecutableCheckTests {
  @Test("a usual program is dynamic and names its loader")
  func dynamic() {
    guard case .dynamic(let interpreter) = ExecutableCheck(path: "/proc/self/exe") else {
      Issue.record("this very program is dynamically linked")
      return
    }
    #expect(interpreter.hasPrefix("/") && interpreter.contains("ld-"))
    #expect(ExecutableCheck(path: "/proc/self/exe").canBeTraced)
  }

  @Test("position-independent and fixed, static and dynamic")
  func linkage() throws {
    let workshop = Workshop()
    let source = ".globl _start\n_start: hlt\n"
    func check(_ options: [String]) throws -> ExecutableCheck {
      let path = try workshop.compile(
        source, named: "start.s", to: "start", ["-nostdlib"] + options)
      return ExecutableCheck(path: path)
    }
    let loader = "-Wl,--dynamic-linker=/lib/ld-test.so"
    try workshop.write("empty.s", "".utf8)
    let library = try workshop.compile(
      "", named: "empty.s", to: "libempty.so", ["-shared", "-nostdlib"])
    #expect(try check(["-static", "-no-pie"]) == .staticallyLinked)
    #expect(try check(["-static-pie"]) == .staticallyLinked)
    #expect(try check(["-pie", loader, library]) == .dynamic(interpreter: "/lib/ld-test.so"))
    #expect(try check(["-no-pie", loader, library]) == .dynamic(interpreter: "/lib/ld-test.so"))
    #expect(!ExecutableCheck.staticallyLinked.canBeTraced)
  }

  /// This program's own file with bytes of its header changed.
  private func altered(_ workshop: Workshop, _ changes: [(Int, UInt8)]) throws -> ExecutableCheck {
    var bytes = Array(try contents(of: "/proc/self/exe").prefix(1 << 14))
    for (offset, value) in changes { bytes[offset] = value }
    return ExecutableCheck(path: try workshop.write("altered", bytes, mode: 0o755))
  }

  @Test("other processors and word sizes")
  func architectures() throws {
    let workshop = Workshop()
    let (machine, wordSize) = (18, 4)
    #expect(
      try altered(workshop, [(machine, 0xf3), (machine + 1, 0)]) == .wrongArchitecture(machine: 243)
    )
    #expect(try altered(workshop, [(machine, 3), (machine + 1, 0), (wordSize, 1)]) == .class32)
    #expect(try altered(workshop, [(machine, 62), (machine + 1, 0), (wordSize, 1)]) == .class32)
  }

  @Test(
    "scripts, as the kernel reads their first line",
    arguments: [
      ("#!/bin/sh\necho\n", "/bin/sh", nil),
      ("#! /usr/bin/env  python3 -u \nx", "/usr/bin/env", "python3 -u"),
      ("#!/bin/sh", "/bin/sh", nil), ("#!\t/a b\tc\n", "/a", "b\tc"),
    ] as [(String, String, String?)])
  func scripts(text: String, interpreter: String, argument: String?) throws {
    let workshop = Workshop()
    let path = try workshop.write("script", text.utf8, mode: 0o755)
    #expect(ExecutableCheck(path: path) == .script(interpreter: interpreter, argument: argument))
  }

  @Test("neither", arguments: ["", "#", "#!", "#!\n", "#! \n/bin/sh", "echo\n", "\u{7f}ELF"])
  func unknown(text: String) throws {
    let workshop = Workshop()
    let path = try workshop.write("file", text.utf8, mode: 0o755)
    let check = ExecutableCheck(path: path)
    #expect(check == .unknownFormat || check == .unreadable, "\(check)")
    #expect(!check.canBeTraced)
  }

  @Test("missing, no permission, a directory")
  func notPrograms() throws {
    let workshop = Workshop()
    #expect(ExecutableCheck(path: workshop.file("none")) == .missing)
    #expect(ExecutableCheck(path: try workshop.write("plain", "x".utf8) + "/below") == .missing)
    #expect(ExecutableCheck(path: workshop.file("plain")) == .notExecutable)
    #expect(ExecutableCheck(path: workshop.path) == .notExecutable)
    #expect(ExecutableCheck(path: "") == .missing)
  }

  @Test("the set-ID bits count when they would change something")
  func setID() throws {
    let workshop = Workshop()
    let bytes = try contents(of: "/proc/self/exe").prefix(1 << 14)
    let path = try workshop.write("program", bytes, mode: 0o755)
    let (user, group) = (geteuid(), getegid())
    func check(_ mode: mode_t, user: UInt32, group: UInt32) throws -> ExecutableCheck {
      try #require(chmod(path, mode) == 0)
      return ExecutableCheck(path: path, user: user, group: group)
    }
    #expect(try check(0o4755, user: user + 1, group: group) == .setUserID)
    #expect(try check(0o4755, user: user, group: group).canBeTraced)
    #expect(try check(0o2755, user: user, group: group + 1) == .setGroupID)
    #expect(try check(0o2755, user: user, group: group).canBeTraced)
    #expect(try check(0o2745, user: user, group: group + 1).canBeTraced)
    #expect(try check(0o755, user: user + 1, group: group + 1).canBeTraced)
    // The bits mean nothing on a script.
    let script = try workshop.write("script", "#!/bin/sh\n".utf8, mode: 0o4755)
    let result = ExecutableCheck(path: script, user: user + 1, group: group)
    #expect(result == .script(interpreter: "/bin/sh", argument: nil))
  }

  @Test("every answer reads as the end of a sentence")
  func descriptions() {
    let all: [ExecutableCheck] = [
      .dynamic(interpreter: "x"), .staticallyLinked, .wrongArchitecture(machine: 1), .class32,
      .script(interpreter: "/bin/sh", argument: nil), .unknownFormat, .setUserID, .setGroupID,
      .fileCapabilities, .notExecutable, .unreadable, .missing,
    ]
    #expect(Set(all.map(\.description)).count == all.count)
    #expect(all.filter(\.canBeTraced).count == 1)
  }
}
