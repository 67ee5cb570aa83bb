// Bringing liblacuna.so into a running process.

import CaptureABI
import Glibc

/// A process into which our library has been loaded and which records.
struct LoadedLibrary {
  var image: ProcessImage
  /// The index of our library in the image.
  var library: Int
  var functions: [Redirection.Function]
  /// The byte that is 1 while the process records.
  var recording: UInt64
  /// Where the segment is mapped.
  var segment: UInt64
}

/// Loads the library by calls that one of the process's threads makes for us.
struct LibraryLoading {
  /// The path of the library, as the process sees it too.
  let path: String
  /// How long a safe moment is waited for.
  static let patience = 10

  /// Everything that can be found out without touching the process.
  init(_ facts: ProcessFacts, path: String) throws(AttachError) {
    self.path = path
    let image = try ProcessImage(facts)
    guard let libc = image.libc, image.loader != nil,
      image.definition(of: "dlopen", in: libc) != nil
    else { throw .otherLibrary(facts.executable) }
    guard let (_, allocator) = image.definition(of: "malloc", except: image.library), allocator != 0
    else { throw .ownAllocator(facts.executable) }
    guard Self.namespace("pid", of: "\(facts.processID)") == Self.namespace("pid", of: "self")
    else {
      throw .otherProcessNumbers(facts.processID)
    }
    if image.library == nil, !isInSight(of: facts.processID) { throw .libraryOutOfSight(path) }
  }

  private static func namespace(_ kind: String, of process: String) -> UInt64? {
    var status = stat()
    return stat("/proc/\(process)/ns/\(kind)", &status) == 0 ? UInt64(status.st_ino) : nil
  }

  private func isInSight(of process: Int32) -> Bool {
    var ours = stat()
    var theirs = stat()
    return stat(path, &ours) == 0 && stat("/proc/\(process)/root" + path, &theirs) == 0
      && ours.st_dev == theirs.st_dev && ours.st_ino == theirs.st_ino
  }

  /// What is loaded, as soon as the loader has nothing to do.
  static func image(_ facts: ProcessFacts) throws(AttachError) -> ProcessImage {
    try patiently { () throws(AttachError) in try ProcessImage(facts) }
  }

  /// Tries again, for a while, what fails because the process is just starting or loading something.
  static func patiently<Result>(_ body: () throws(AttachError) -> Result) throws(AttachError)
    -> Result
  {
    let end = TickClock.monotonic() + UInt64(patience) * 1_000_000_000
    while true {
      do {
        return try body()
      } catch {
        switch error {
        case .isStarting, .unreadable:
          guard TickClock.monotonic() < end else { throw error }
          usleep(5000)
        default: throw error
        }
      }
    }
  }

  /// Loads the library and lets it join a segment.
  ///
  /// `prepare` gets our descriptor of the nameless file in which the segment is to be: the process
  /// itself makes it, since it may not look into a recorder that has more rights.
  func load(
    _ process: StoppedProcess, _ facts: ProcessFacts, prepare: (Int32) throws -> Void
  ) throws -> LoadedLibrary {
    let image = try Self.image(facts)
    guard let libc = image.libc,
      let (_, allocator) = image.definition(of: "malloc", except: image.library)
    else { throw AttachError.otherLibrary(facts.executable) }
    let entries = ["malloc", "free", "calloc", "realloc"]
      .compactMap { image.definition(of: $0, except: image.library)?.0.address }
    try process.stop()
    let moment = SafeMoment(image, libc: libc, allocator: allocator, entries: entries)
    let chosen: Int32
    do {
      chosen = try moment.find(process, seconds: Self.patience)
    } catch {
      process.release()
      throw error
    }
    guard let thread = process.releaseOthers(than: chosen),
      let instruction = Self.callInstruction(image, libc)
    else { throw AttachError.unexpected("thread \(chosen) has ended") }
    var remote = try RemoteThread(
      thread, process: process.process, callInstruction: instruction)
    defer { remote.finish() }
    try remote.makeRoom()
    return try load(&remote, facts, image, libc, prepare)
  }

  private func load(
    _ remote: inout RemoteThread, _ facts: ProcessFacts, _ before: ProcessImage, _ libc: Int,
    _ prepare: (Int32) throws -> Void
  ) throws -> LoadedLibrary {
    let createMemoryFile: UInt64 = 319
    let closeOnExec: UInt64 = 1
    let name = try remote.place("lacuna")
    let theirs = try remote.systemCall(createMemoryFile, [name, closeOnExec], "memfd_create")
    defer { _ = try? remote.systemCall(3, [theirs], "close") }
    let ours = open("/proc/\(facts.processID)/fd/\(theirs)", O_RDWR | O_CLOEXEC)
    guard ours >= 0 else {
      throw RecorderError.system("cannot open the shared memory of the recording", errno)
    }
    try prepare(ours)

    // The calls leave an error number in the thread that it did not cause.
    guard let location = before.definition(of: "__errno_location", in: libc) else {
      throw AttachError.otherLibrary(facts.executable)
    }
    let errorPlace = try remote.call(location.address, [])
    let errorNumber = try before.memory.bytes(at: errorPlace, count: 4)
    defer { try? before.memory.write(errorNumber, at: errorPlace) }
    if before.library == nil { try openLibrary(&remote, before, libc) }
    return try join(&remote, try Self.image(facts), descriptor: theirs)
  }

  private func openLibrary(
    _ remote: inout RemoteThread, _ image: ProcessImage, _ libc: Int
  ) throws(AttachError) {
    guard let open = image.definition(of: "dlopen", in: libc) else {
      throw .otherLibrary(image.facts.executable)
    }
    let bindNow: UInt64 = 2
    let handle = try remote.call(open.address, [try remote.place(path), bindNow])
    guard handle == 0 else { return }
    var words = "for no stated reason"
    if let explain = image.definition(of: "dlerror", in: libc) {
      let text = try remote.call(explain.address, [])
      if text != 0 { words = image.memory.text(at: text) }
    }
    throw .libraryRefused(words)
  }

  /// Calls `lacuna_attach`.
  private func join(_ remote: inout RemoteThread, _ image: ProcessImage, descriptor: UInt64)
    throws(AttachError) -> LoadedLibrary
  {
    guard let library = image.library,
      let attach = image.definition(of: "lacuna_attach", in: library)
    else { throw .unexpected("the library is not in the loader's list") }
    let functions = try Redirection.functions(image, library: library)
    var request = lacuna_attachment()
    request.version = UInt32(LACUNA_ABI_VERSION)
    request.descriptor = Int32(truncatingIfNeeded: descriptor)
    request.break_start = image.facts.breakStart
    // A library that was preloaded has found the functions behind it in the loader's order.
    if library > image.libc ?? 0 {
      var table: [UInt8] = []
      for function in functions {
        table.append(word: try remote.place(function.name))
        table.append(word: function.real)
      }
      request.functions = try remote.place(table)
      request.count = UInt64(functions.count)
    }
    let place = try remote.place(withUnsafeBytes(of: request) { Array($0) })
    let status = Int32(truncatingIfNeeded: try remote.call(attach.address, [place]))
    switch status {
    case 0: break
    case EPROTO: throw .otherVersion
    case EBUSY: throw .alreadyRecorded(image.facts.processID)
    default: throw .callRefused("mapping the memory of the recording", status)
    }
    let answer = try image.memory.bytes(at: place, count: MemoryLayout<lacuna_attachment>.size)
    request = answer.withUnsafeBytes { $0.loadUnaligned(as: lacuna_attachment.self) }
    return LoadedLibrary(
      image: image, library: library, functions: functions, recording: request.recording,
      segment: request.segment)
  }

  /// The address of a `syscall` instruction in the C library.
  static func callInstruction(_ image: ProcessImage, _ libc: Int) -> UInt64? {
    for range in image.modules[libc].segments.executable where range.count < 1 << 26 {
      guard let code = try? image.memory.bytes(at: range.lowerBound, count: range.count) else {
        continue
      }
      for offset in code.indices.dropLast() where code[offset] == 0x0f && code[offset + 1] == 0x05 {
        return range.lowerBound + UInt64(offset)
      }
    }
    return nil
  }
}
