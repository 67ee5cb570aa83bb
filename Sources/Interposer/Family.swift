// Members of a family: programs and forked children that ask the recorder for segments of their own.

import CaptureABI
import InterposerEntry

/// The process that an environment comes from, as the recorded programs pass it on: ten digits
/// behind a mark after the path of the lobby.
struct Lineage {
  /// Where the mark stands; nil where only one process is recorded.
  var mark: CStringPointer?

  private static let mark: CChar = 0x23
  private static let digits = 10

  /// Ends the path at the mark, for as long as it is used.
  static func cut(_ path: CStringPointer) -> Lineage {
    var end = 0
    while path[end] != 0, path[end] != mark { end &+= 1 }
    guard path[end] == mark else { return Lineage(mark: nil) }
    path[end] = 0
    return Lineage(mark: path + end)
  }

  func restore() { mark?.pointee = Self.mark }

  /// The process; 0 where there is none.
  var process: Int32 {
    guard let mark else { return 0 }
    var value: Int32 = 0
    var index = 1
    while index <= Self.digits, mark[index] >= 0x30, mark[index] <= 0x39 {
      value = value &* 10 &+ Int32(mark[index] &- 0x30)
      index &+= 1
    }
    return value
  }

  /// Names this process to the programs that it starts.
  ///
  /// Nothing is written where the program has changed the text's length.
  func name(_ process: Int32) {
    guard let mark else { return }
    for index in 1...Self.digits where mark[index] == 0 { return }
    var rest = process
    var index = Self.digits
    while index > 0 {
      mark[index] = CChar(truncatingIfNeeded: 0x30 &+ rest % 10)
      rest = rest / 10
      index &-= 1
    }
  }
}

enum Family {
  /// Whether a recorder still answers in the lobby that this process knows.
  static var isOpen: Bool {
    guard let lobby = session.lobby else { return false }
    return lacuna_load32(&lobby.pointee.closed) == 0 && isAlive(lobby.pointee.recorder_pid)
  }

  /// Begins the recording of a program that was started with a family's environment.
  static func enter(_ descriptor: Int, _ ancestor: Lineage) -> UnsafePointer<UInt8>? {
    guard let lobby = mapLobby(descriptor) else { return nil }
    session.lobby = lobby
    let own = Int32(truncatingIfNeeded: systemCall(SystemCall.getpid))
    guard isOpen, let segment = segment(kind: LACUNA_JOIN_EXEC, own, ancestor.process, nil),
      let recording = begin(segment, process: own, afterFork: false)
    else {
      refuse(lobby)
      return nil
    }
    ancestor.name(own)
    lacuna_set_follows(1)
    return recording
  }

  private static func mapLobby(_ descriptor: Int) -> UnsafeMutablePointer<lacuna_lobby>? {
    let readWrite = 3
    let shared = 1
    let address = systemCall(
      SystemCall.mmap, 0, LACUNA_LOBBY_BYTES, readWrite, shared, descriptor, 0)
    guard address > 0 else { return nil }
    let lobby = UnsafeMutableRawPointer(bitPattern: address).unsafelyUnwrapped
      .assumingMemoryBound(to: lacuna_lobby.self)
    guard lobby.pointee.magic == UInt64(LACUNA_LOBBY_MAGIC),
      lobby.pointee.version == LACUNA_ABI_VERSION
    else { return nil }
    return lobby
  }

  /// A segment from the recorder, mapped.
  private static func segment(
    kind: Int, _ own: Int32, _ ancestor: Int32, _ old: UnsafeMutableRawPointer?
  ) -> UnsafeMutableRawPointer? {
    // The recorder could not find a process of another pid namespace.
    guard Int(number(ofLink: "/proc/self")) == systemCall(SystemCall.getpid) else { return nil }
    guard let slot = LobbySlot(session.lobby.unsafelyUnwrapped, owner: own) else { return nil }
    defer { slot.release() }
    guard let answer = slot.ask(kind: kind, ancestor: ancestor) else { return nil }
    let descriptor = openDescriptor(
      answer, of: session.lobby.unsafelyUnwrapped.pointee.recorder_pid)
    guard descriptor >= 0 else { return nil }
    defer { _ = systemCall(SystemCall.close, descriptor) }
    return join(descriptor, process: own, inPlaceOf: old)
  }

  private static func refuse(_ lobby: UnsafeMutablePointer<lacuna_lobby>) {
    _ = lacuna_add32(&lobby.pointee.refused, 1)
  }

  /// Asks no more: the recorder may take it that nobody here will.
  static func forget() {
    lacuna_set_follows(0)
    guard let lobby = session.lobby else { return }
    session.lobby = nil
    _ = systemCall(SystemCall.munmap, Int(bitPattern: lobby), LACUNA_LOBBY_BYTES)
  }

  // MARK: Forked children

  /// Begins the recording of a forked child, whose memory still is its parent's.
  fileprivate static func enterAfterFork(_ own: Int32) -> Bool {
    let thread = lacuna_current_thread().unsafelyUnwrapped
    // A hook that a signal handler interrupted goes on in what is left of the old segment.
    let old = lacuna_place_of(thread, 0).pointee == 0 ? session.segment : nil
    guard isOpen, let segment = segment(kind: LACUNA_JOIN_FORK, own, session.processID, old),
      begin(segment, process: own, afterFork: true) != nil
    else {
      if let lobby = session.lobby { refuse(lobby) }
      forget()
      session.generation = session.generation &+ 1
      return false
    }
    return true
  }

  /// The process whose memory this is: a child of vfork or the like runs in its parent's, and joins
  /// for it.
  fileprivate static var ownerOfMemory: Int32 {
    let own = systemCall(SystemCall.getpid)
    let parent = systemCall(SystemCall.getppid)
    let addressSpace = 1
    let isShared = systemCall(SystemCall.compare, parent, own, addressSpace, 0, 0) == 0
    return Int32(truncatingIfNeeded: isShared ? parent : own)
  }
}

/// The process in which a thread is joining a family at the moment; 0 if none is.
nonisolated(unsafe) private var joining: UInt32 = 0

/// See InterposerEntry.h.
@c(lacuna_join_family)
public func joinFamily() -> Int32 {
  let own = Family.ownerOfMemory
  guard own != session.processID else {
    // No child: recording has stopped here.
    lacuna_set_follows(0)
    return 0
  }
  // No handler may find the process half joined.
  var all = UInt64.max
  var before: UInt64 = 0
  let block = 0
  let set = 2
  withUnsafeMutablePointer(to: &all) { all in
    withUnsafeMutablePointer(to: &before) {
      _ = systemCall(
        SystemCall.signalMask, block, Int(bitPattern: all), Int(bitPattern: $0), 8)
    }
  }
  defer {
    withUnsafeMutablePointer(to: &before) {
      _ = systemCall(SystemCall.signalMask, set, Int(bitPattern: $0), 0, 8)
    }
  }
  let mark = UInt32(bitPattern: own)
  while true {
    let other = lacuna_load32(&joining)
    // A fork may have left the mark of a thread that is not there.
    if other != mark, lacuna_swap32(&joining, other, mark) != 0 { break }
    sleep(nanoseconds: 50_000)
  }
  defer { lacuna_store32(&joining, 0) }
  if session.recording.unsafelyUnwrapped.pointee != 0 { return 1 }
  guard session.processID != own, session.lobby != nil else { return 0 }
  return Family.enterAfterFork(own) ? 1 : 0
}

/// See InterposerEntry.h.
///
/// A signal handler may have forked in the middle of a hook, which goes on in the child: it shall
/// find memory, but not its parent's.
@c(lacuna_forked)
public func forked() {
  guard let segment = session.segment else { return }
  let readWrite = 3
  let privateAnonymousFixedNoReserve = 0x02 | 0x20 | 0x10 | 0x4000
  _ = systemCall(
    SystemCall.mmap, Int(bitPattern: segment), session.segmentBytes, readWrite,
    privateAnonymousFixedNoReserve, -1, 0)
  let thread = lacuna_current_thread().unsafelyUnwrapped
  for index in 0..<2 as Range<Int32> {
    let writer = lacuna_writer_of(thread, index).unsafelyUnwrapped
    writer.pointee.limit = .max
    // Should it be waiting for room, there is some.
    if let control = writer.pointee.control { control.pointee.tail = writer.pointee.head }
  }
  session.generation = session.generation &+ 1
}

/// Takes part in the session of this process, and forgets what the thread knew of another one.
///
/// False where there is none: a forked child that is not recorded.
@inline(never)
func joinSession(_ thread: Thread) -> Bool {
  guard
    session.recording.unsafelyUnwrapped.pointee != 0
      || (lacuna_is_following() != 0 && joinFamily() != 0)
  else { return false }
  guard thread.pointee.generation != session.generation else { return true }
  let known = thread.pointee.nested_generation == session.generation
  let serial = known ? thread.pointee.serial : 0
  let nested = lacuna_writer_of(thread, 1).unsafelyUnwrapped
  if !known { nested.pointee = lacuna_writer() }
  thread.pointee.serial = serial
  thread.pointee.nested_generation = session.generation
  // The hook that this thread is in belongs to the old session until it ends.
  guard lacuna_place_of(thread, 0).pointee == 0 else { return true }
  lacuna_writer_of(thread, 0).unsafelyUnwrapped.pointee = lacuna_writer()
  thread.pointee.generation = session.generation
  return true
}
