// The recorder's side of the lobby, where members of a family ask for segments.

import CLinux
import CaptureABI
import Glibc

/// The shared memory in which processes ask to be recorded.
///
/// What stands in it was written by the traced programs: a process that it names is recorded only
/// if it exists, and never twice at a time.
final class Lobby {
  /// What a process said when it asked.
  struct Request {
    let slot: Int
    /// The process that asks.
    let process: Int32
    /// Whether it is a forked child that goes on with its parent's memory.
    let isFork: Bool
    /// The recorded process from which it has its memory or its environment; 0 if unknown.
    let ancestor: Int32
    /// Its parent when it asked.
    let parent: Int32
  }

  private let descriptor: Int32
  /// Another one of the same file, which the kernel counts among those that may write.
  private let counted: Int32
  private let shared: UnsafeMutablePointer<lacuna_lobby>

  init() throws(RecorderError) {
    let what = "cannot create the shared memory of the recording"
    let file = linux_memory_file("lacuna lobby")
    let length = Int(LACUNA_LOBBY_BYTES)
    guard file >= 0, ftruncate(file, length) == 0,
      let mapped = mmap(nil, length, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0),
      mapped != MAP_FAILED
    else {
      let code = errno
      if file >= 0 { close(file) }
      throw .system(what, code)
    }
    descriptor = file
    counted = open("/proc/self/fd/\(descriptor)", O_RDWR | O_CLOEXEC)
    shared = mapped.assumingMemoryBound(to: lacuna_lobby.self)
    shared.pointee.version = UInt32(LACUNA_ABI_VERSION)
    shared.pointee.recorder_pid = getpid()
    shared.pointee.magic = UInt64(LACUNA_LOBBY_MAGIC)
  }

  deinit {
    munmap(shared, Int(LACUNA_LOBBY_BYTES))
    if counted >= 0 { close(counted) }
    close(descriptor)
  }

  /// Where the program finds the lobby; the digits are for the process that passes it on.
  var path: String { "/proc/\(getpid())/fd/\(descriptor)#0000000000" }

  /// Processes that could not be recorded, as they themselves found.
  var refused: Int { Int(lacuna_load32(&shared.pointee.refused)) }

  /// Answers no more.
  func shut() {
    lacuna_store32(&shared.pointee.closed, 1)
    for slot in slots.indices { wake(slot) }
  }

  private var slots: UnsafeMutableBufferPointer<lacuna_join> {
    UnsafeMutableBufferPointer(start: lacuna_slot(shared, 0), count: Int(LACUNA_JOIN_SLOTS))
  }

  // MARK: Requests

  /// All that wait for an answer.
  func requests() -> [Request] {
    slots.indices.compactMap { slot in
      guard lacuna_load32(&slots[slot].phase) == UInt32(LACUNA_JOIN_ASKED) else { return nil }
      return Request(
        slot: slot, process: Int32(bitPattern: slots[slot].owner),
        isFork: slots[slot].kind == UInt32(LACUNA_JOIN_FORK), ancestor: slots[slot].ancestor,
        parent: slots[slot].parent)
    }
  }

  /// Gives a process the descriptor of its segment, or nil.
  func answer(_ request: Request, _ descriptor: Int32?) {
    slots[request.slot].answer = descriptor ?? -1
    lacuna_store32(&slots[request.slot].phase, UInt32(LACUNA_JOIN_ANSWERED))
    wake(request.slot)
  }

  private func wake(_ slot: Int) { linux_futex_wake(&slots[slot].phase) }

  /// Takes back the slots of processes that ended before they gave them back.
  func reclaim() {
    for slot in slots.indices {
      let owner = lacuna_load32(&slots[slot].owner)
      guard owner != 0, kill(Int32(bitPattern: owner), 0) != 0, errno == ESRCH else { continue }
      lacuna_store32(&slots[slot].phase, 0)
      lacuna_store32(&slots[slot].owner, 0)
    }
  }

  /// Sleeps until somebody asks, at most a millisecond.
  func wait() {
    let bell = lacuna_load32(&shared.pointee.bell)
    guard requests().isEmpty else { return }
    linux_futex_wait(&shared.pointee.bell, bell, 1)
  }

  // MARK: Who may still ask

  /// Whether a process has the lobby in its memory, and so may ask yet.
  ///
  var isInUse: Bool {
    linux_has_other_writers(counted) != 0
  }

  /// Whether a program is just being started with the lobby in its environment.
  var isAboutToBeUsed: Bool {
    let wanted = "LACUNA_SEGMENT=/proc/\(getpid())/fd/\(descriptor)#"
    guard let directory = opendir("/proc") else { return false }
    defer { closedir(directory) }
    while let entry = readdir(directory) {
      let name = Segment.text(entry.pointee.d_name)
      guard Int32(name) != nil, let environment = try? ProcFile.read("/proc/\(name)/environ") else {
        continue
      }
      if environment.utf8.split(separator: 0).contains(where: { $0.starts(with: wanted.utf8) }) {
        return true
      }
    }
    return false
  }
}
