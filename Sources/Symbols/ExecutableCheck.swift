// Whether a program can be traced by preloading a library, asked before it is run.

import CElf
import Glibc

/// What a look at an executable says about tracing it with `LD_PRELOAD`.
public enum ExecutableCheck: Hashable, Sendable {
  /// Dynamically linked, of this machine's kind: it can be traced. `interpreter` is the loader.
  case dynamic(interpreter: String)
  /// No loader runs, so nothing can be preloaded.
  case staticallyLinked
  /// For another processor: `machine` is the ELF number of it.
  case wrongArchitecture(machine: UInt16)
  /// A 32-bit program.
  case class32
  /// A script: the kernel runs `interpreter` (with `argument`, if any) on it. Check that in turn.
  case script(interpreter: String, argument: String?)
  /// Neither ELF nor a script that names its interpreter. Shells try to run such files themselves.
  case unknownFormat
  /// It would run with its owner's rights, and the loader then ignores `LD_PRELOAD`.
  case setUserID
  /// It would run with its group's rights, and the loader then ignores `LD_PRELOAD`.
  case setGroupID
  /// It would gain capabilities, and the loader then ignores `LD_PRELOAD`.
  case fileCapabilities
  /// No permission to run it, or a directory.
  case notExecutable
  /// It may be run but not read, so nothing more is known.
  case unreadable
  case missing

  /// Looks at the file at `path` as the kernel would when this process ran it.
  ///
  /// A relative path is taken from the working directory; `PATH` is not searched.
  public init(path: String) {
    self.init(path: path, user: geteuid(), group: getegid())
  }

  /// The same for a process that runs as `user` and `group`.
  package init(path: String, user: UInt32, group: UInt32) {
    var status = stat()
    guard stat(path, &status) == 0 else {
      self = errno == ENOENT || errno == ENOTDIR ? .missing : .notExecutable
      return
    }
    guard status.st_mode & S_IFMT == S_IFREG, access(path, X_OK) == 0 else {
      self = .notExecutable
      return
    }
    let format = Self.format(path: path)
    // Scripts have no privileges of their own: the kernel ignores the bits.
    if case .script = format {
      self = format
    } else {
      self = Self.privilege(path: path, status: status, user: user, group: group) ?? format
    }
  }

  /// Whether running the file would change the process's rights.
  private static func privilege(
    path: String, status: stat, user: UInt32, group: UInt32
  ) -> ExecutableCheck? {
    var fileSystem = statvfs()
    if statvfs(path, &fileSystem) == 0, fileSystem.f_flag & UInt(ST_NOSUID) != 0 {
      return nil
    }
    if status.st_mode & S_ISUID != 0, status.st_uid != user { return .setUserID }
    // Without the group's right to run it the bit has another meaning.
    if status.st_mode & S_ISGID != 0, status.st_mode & S_IXGRP != 0, status.st_gid != group {
      return .setGroupID
    }
    // Root has all capabilities already, and the kernel then sees no change.
    if user != 0, getxattr(path, "security.capability", nil, 0) > 0 { return .fileCapabilities }
    return nil
  }

  private static func format(path: String) -> ExecutableCheck {
    let image: ElfImage
    do {
      image = try ElfImage(path: path)
    } catch {
      return error == .notElf ? script(path: path) : .unreadable
    }
    let machine = image.header.e_machine
    let isClass32 = image.header.e_ident.4 == UInt8(ELFCLASS32)
    if isClass32, machine == UInt16(EM_386) || machine == UInt16(EM_X86_64) { return .class32 }
    guard machine == ownMachine, !isClass32 else { return .wrongArchitecture(machine: machine) }
    guard let segment = image.segments.first(where: { $0.type == UInt32(PT_INTERP) }) else {
      return .staticallyLinked
    }
    let bytes = image.bytes(at: segment.offset, count: min(segment.fileByteCount, UInt64(PATH_MAX)))
    let name = bytes.prefix { $0 != 0 }
    return .dynamic(interpreter: String(decoding: name, as: UTF8.self))
  }

  #if arch(x86_64)
  private static let ownMachine = UInt16(EM_X86_64)
  #elseif arch(arm64)
  private static let ownMachine = UInt16(EM_AARCH64)
  #endif

  /// Reads the first line as the kernel does: within 256 bytes, `#!`, blanks, the interpreter, and
  /// all that follows as one argument.
  private static func script(path: String) -> ExecutableCheck {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return .unreadable }
    defer { close(descriptor) }
    var buffer = [UInt8](repeating: 0, count: 256)
    let count = read(descriptor, &buffer, buffer.count)
    guard count > 2, buffer.starts(with: "#!".utf8) else { return .unknownFormat }
    let isBlank: (UInt8) -> Bool = { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") }
    let line = buffer[2..<count].prefix { $0 != UInt8(ascii: "\n") && $0 != 0 }.drop(while: isBlank)
    let interpreter = line.prefix { !isBlank($0) }
    guard !interpreter.isEmpty else { return .unknownFormat }
    var argument = line.dropFirst(interpreter.count).drop(while: isBlank)
    while let last = argument.last, isBlank(last) { argument.removeLast() }
    return .script(
      interpreter: String(decoding: interpreter, as: UTF8.self),
      argument: argument.isEmpty ? nil : String(decoding: argument, as: UTF8.self))
  }
}

extension ExecutableCheck {
  /// Whether a preloaded library will see the program's requests.
  ///
  /// Ask again for a script's interpreter.
  public var canBeTraced: Bool {
    if case .dynamic = self { true } else { false }
  }
}

extension ExecutableCheck: CustomStringConvertible {
  /// What was found, as the end of a sentence that begins with the program's name.
  public var description: String {
    switch self {
    case .dynamic: "is dynamically linked"
    case .staticallyLinked:
      "is statically linked: no library can be preloaded into it; link it dynamically"
    case .wrongArchitecture(let machine):
      "is built for another processor (ELF machine \(machine))"
    case .class32: "is a 32-bit program; only 64-bit programs can be traced"
    case .script(let interpreter, _):
      "is a script run by \(Demangler.printable(Array(interpreter.utf8)))"
    case .unknownFormat: "is neither an ELF program nor a script that begins with #!"
    case .setUserID:
      "is set-user-ID: the loader ignores preloaded libraries; run a copy without the bit"
    case .setGroupID:
      "is set-group-ID: the loader ignores preloaded libraries; run a copy without the bit"
    case .fileCapabilities:
      "has file capabilities: the loader ignores preloaded libraries; run a copy without them"
    case .notExecutable: "cannot be run: no permission, or not a file"
    case .unreadable: "cannot be read, so it is unknown whether it can be traced"
    case .missing: "does not exist"
    }
  }
}
