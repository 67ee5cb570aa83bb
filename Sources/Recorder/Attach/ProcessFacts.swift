// What /proc says about a process, and whether it may and can be attached to.

import CLinux
import Glibc

/// A process that may be attached to, as far as can be told without touching it.
struct ProcessFacts {
  let processID: Int32
  /// The file that it executes.
  let executable: String
  /// The program and its arguments.
  let command: [String]
  /// Where its data segment begins; 0 where the kernel does not say.
  let breakStart: UInt64
  /// What the kernel told the program about itself when it started, by number (`AT_…` in elf.h).
  let auxiliary: [UInt64: UInt64]

  init(processID: Int32) throws(AttachError) {
    self.processID = processID
    let status = try Self.checkedStatus(processID)
    executable = try Self.executable(of: processID)
    try Self.checkArchitecture(processID, executable)
    let arguments = (try? ProcFile.read("/proc/\(processID)/cmdline")) ?? ""
    command = arguments.split(separator: "\0", omittingEmptySubsequences: false).dropLast()
      .map(String.init)
    auxiliary = try Self.auxiliary(of: processID)
    let fields = (try? ProcFile.read("/proc/\(processID)/stat")) ?? ""
    breakStart = Self.breakStart(fields)
    // A filter that the recorder itself runs under, a container's for example, lets it live.
    let own = Self.status("/proc/self/status")
    if Self.filters(status) > Self.filters(own) { throw .callsFiltered(processID) }
  }

  /// How many filters the system calls pass; the strict mode counts as one.
  private static func filters(_ status: [Substring: String]) -> Int {
    guard let mode = status["Seccomp"].flatMap({ Int($0) }), mode > 0 else { return 0 }
    return max(1, status["Seccomp_filters"].flatMap { Int($0) } ?? 1)
  }

  /// The fields of `/proc/PID/status`.
  static func status(_ path: String) -> [Substring: String] {
    guard let text = try? ProcFile.read(path) else { return [:] }
    var fields: [Substring: String] = [:]
    for line in text.split(separator: "\n") {
      guard let colon = line.firstIndex(of: ":") else { continue }
      let value = line[line.index(after: colon)...].drop { $0 == " " || $0 == "\t" }
      fields[line[..<colon]] = String(value)
    }
    return fields
  }

  private static func checkedStatus(_ id: Int32) throws(AttachError) -> [Substring: String] {
    guard id > 0, access("/proc/\(id)", F_OK) == 0 else { throw .noSuchProcess(id) }
    guard id != getpid() else { throw .isRecorder }
    let status = status("/proc/\(id)/status")
    if let process = status["Tgid"].flatMap({ Int32($0) }), process != id {
      throw .isThread(id, of: process)
    }
    if let state = status["State"]?.first {
      if state == "Z" || state == "X" { throw .hasEnded(id) }
      if state == "T" { throw .isStopped(id) }
    }
    if let tracer = status["TracerPid"].flatMap({ Int32($0) }), tracer != 0 {
      throw .alreadyTraced(
        id, by: tracer, name: ProcFile.threadName(process: tracer, thread: tracer))
    }
    return status
  }

  private static func executable(of id: Int32) throws(AttachError) -> String {
    var buffer = [CChar](repeating: 0, count: Int(PATH_MAX) + 1)
    let count = readlink("/proc/\(id)/exe", &buffer, Int(PATH_MAX))
    guard count > 0 else {
      if errno == ENOENT {
        throw access("/proc/\(id)", F_OK) == 0 ? .kernelThread(id) : .noSuchProcess(id)
      }
      throw notPermitted(id)
    }
    return String(decoding: buffer[..<count].map(UInt8.init(bitPattern:)), as: UTF8.self)
  }

  /// Says what stands between this user and the process.
  static func notPermitted(_ id: Int32) -> AttachError {
    let owner = status("/proc/\(id)/status")["Uid"]?.split(separator: "\t").first
      .flatMap { UInt32($0) }
    if let owner, owner != geteuid(), geteuid() != 0 {
      return .notPermitted(
        id, hindrance: "it belongs to another user (\(owner)); run lacuna as that user or as root")
    }
    let scope = (try? ProcFile.read("/proc/sys/kernel/yama/ptrace_scope"))?.first
    switch scope {
    case "1":
      return .notPermitted(
        id,
        hindrance: "kernel.yama.ptrace_scope is 1, which lets a user trace own children only; run "
          + "lacuna as root, or sysctl kernel.yama.ptrace_scope=0")
    case "2":
      return .notPermitted(
        id,
        hindrance: "kernel.yama.ptrace_scope is 2, which lets root alone trace; run lacuna as root")
    case "3":
      return .notPermitted(
        id, hindrance: "kernel.yama.ptrace_scope is 3, which forbids it until the next reboot")
    default:
      return .notPermitted(
        id,
        hindrance: "it runs with more rights than lacuna (a set-user-ID program, capabilities, "
          + "another user namespace) or does not want to be traced (PR_SET_DUMPABLE); run lacuna as "
          + "root with CAP_SYS_PTRACE")
    }
  }

  /// Of the header of the executable: 64 bits, x86-64.
  private static func checkArchitecture(_ id: Int32, _ path: String) throws(AttachError) {
    let descriptor = open("/proc/\(id)/exe", O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else {
      if errno == EACCES || errno == EPERM { throw notPermitted(id) }
      throw .noSuchProcess(id)
    }
    defer { close(descriptor) }
    var header = [UInt8](repeating: 0, count: 64)
    let isWhole = pread(descriptor, &header, 64, 0) == 64
    let isELF = header.starts(with: [0x7f, 0x45, 0x4c, 0x46])
    let amd64 = UInt16(62)
    guard isWhole, isELF, header[4] == 2, header.load(UInt16.self, at: 18) == amd64 else {
      throw .otherArchitecture(path)
    }
  }

  private static func auxiliary(of id: Int32) throws(AttachError) -> [UInt64: UInt64] {
    let descriptor = open("/proc/\(id)/auxv", O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw notPermitted(id) }
    defer { close(descriptor) }
    var bytes = [UInt8](repeating: 0, count: 4096)
    let count = read(descriptor, &bytes, bytes.count)
    guard count >= 16 else { throw count == 0 ? .hasEnded(id) : notPermitted(id) }
    var values: [UInt64: UInt64] = [:]
    for offset in stride(from: 0, through: count - 16, by: 16) {
      guard let key = bytes.load(UInt64.self, at: offset), key != 0 else { break }
      values[key] = bytes.load(UInt64.self, at: offset + 8)
    }
    // In the middle of exec the kernel has not said anything yet.
    guard values[3] ?? 0 != 0, values[5] ?? 0 != 0 else { throw .isStarting(id) }
    return values
  }

  /// Field 47 of `/proc/PID/stat`; the name of the program, in parentheses, may contain anything.
  private static func breakStart(_ stat: String) -> UInt64 {
    guard let end = stat.lastIndex(of: ")") else { return 0 }
    let fields = stat[end...].split(separator: " ")
    // The first of these is the parenthesis; the next is field 3.
    return fields.count > 45 ? UInt64(fields[45]) ?? 0 : 0
  }
}
