// Runs the compiler and its companions to make files for these tests.

import Glibc
import TestSupport

/// Files made for one test, gone with it.
final class Workshop {
  private let directory = TemporaryDirectory()

  var path: String { directory.path }

  func file(_ name: String) -> String { directory.file(name) }

  @discardableResult
  func write(_ name: String, _ bytes: some Sequence<UInt8>, mode: mode_t = 0o644) throws -> String {
    let target = file(name)
    guard let stream = fopen(target, "we") else { throw WorkshopError(target, errno) }
    let all = Array(bytes)
    let written = fwrite(all, 1, all.count, stream)
    guard fclose(stream) == 0, written == all.count, chmod(target, mode) == 0 else {
      throw WorkshopError(target, errno)
    }
    return target
  }

  /// Compiles a source, or assembles it where its name ends in `.s`, into `output`.
  func compile(_ source: String, named name: String, to output: String, _ options: [String]) throws
    -> String
  {
    try write(name, source.utf8)
    let arguments = ["clang", "-fuse-ld=lld", "-o", file(output), file(name)] + options
    let status = try run(arguments)
    guard status == 0 else { throw WorkshopError(arguments.joined(separator: " "), status) }
    return file(output)
  }
}

struct WorkshopError: Error {
  var what: String
  var code: Int32

  init(_ what: String, _ code: Int32) {
    self.what = what
    self.code = code
  }
}

/// Runs a program found through `PATH` and waits for it; its output goes to `output`, if anywhere.
func run(_ arguments: [String], output: String = "/dev/null") throws -> Int32 {
  var actions = posix_spawn_file_actions_t()
  posix_spawn_file_actions_init(&actions)
  defer { posix_spawn_file_actions_destroy(&actions) }
  posix_spawn_file_actions_addopen(&actions, 1, output, O_WRONLY | O_CREAT | O_TRUNC, 0o644)
  posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0)
  var words = arguments.map { strdup($0) } + [nil]
  defer { for word in words { free(word) } }
  var child: pid_t = 0
  let status = posix_spawnp(&child, arguments[0], &actions, nil, &words, environ)
  guard status == 0 else { throw WorkshopError(arguments[0], status) }
  var result: Int32 = 0
  while waitpid(child, &result, 0) < 0 {
    guard errno == EINTR else { throw WorkshopError("waitpid", errno) }
  }
  return result
}

func contents(of path: String) throws -> [UInt8] {
  guard let stream = fopen(path, "re") else { throw WorkshopError(path, errno) }
  defer { fclose(stream) }
  var bytes: [UInt8] = []
  var buffer = [UInt8](repeating: 0, count: 1 << 16)
  while case let count = fread(&buffer, 1, buffer.count, stream), count > 0 {
    bytes += buffer[..<count]
  }
  return bytes
}

/// The first of these programs that there is.
func firstTool(_ names: [String]) -> String? {
  names.first { name in
    String(cString: getenv("PATH")).split(separator: ":").contains {
      access("\($0)/\(name)", X_OK) == 0
    }
  }
}

// Scripts/test installs what the toolchain does not bring; a test that misses one fails.
let objcopy = firstTool(["llvm-objcopy", "objcopy"])
let nm = firstTool(["llvm-nm", "nm"])
