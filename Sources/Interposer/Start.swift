// Joining the recorder: reads the environment, maps the segment, claims it for this process.

import CaptureABI
import InterposerEntry

private let wipeOnFork = 18

/// See InterposerEntry.h.
@c(lacuna_start)
public func start(_ environment: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?)
  -> UnsafePointer<UInt8>?
{
  guard let environment, let path = value(of: "LACUNA_SEGMENT", in: environment) else { return nil }
  session.firstThreadPointer = lacuna_stack_top(0)
  // Behind the path, a family's lobby has the process from which this environment comes.
  let ancestor = Lineage.cut(path)
  let descriptor = openReadWrite(path)
  ancestor.restore()
  guard descriptor >= 0 else {
    leave(environment)
    return nil
  }
  defer { _ = systemCall(SystemCall.close, descriptor) }
  if ancestor.mark != nil {
    let recording = Family.enter(descriptor, ancestor)
    if recording == nil {
      // Programs that this one starts may have more luck.
      if !Family.isOpen { leave(environment) }
      Family.forget()
    }
    return recording
  }
  let own = Int32(truncatingIfNeeded: systemCall(SystemCall.getpid))
  guard let segment = join(descriptor, process: own),
    let recording = begin(segment, process: own, afterFork: false)
  else {
    leave(environment)
    return nil
  }
  return recording
}

/// The descriptor of a file, closed on exec, or a negative error.
func openReadWrite(_ path: UnsafePointer<CChar>) -> Int {
  let readWriteCloseOnExec = 0x8_0002
  return systemCall(
    SystemCall.open, Int(bitPattern: UnsafeRawPointer(path)), readWriteCloseOnExec, 0)
}

/// Maps the segment if it is one of ours and this process may write into it: in the place of
/// another one, or where there is room.
func join(_ descriptor: Int, process own: Int32, inPlaceOf old: UnsafeMutableRawPointer? = nil)
  -> UnsafeMutableRawPointer?
{
  var first = lacuna_header()
  let read = withUnsafeMutablePointer(to: &first) {
    systemCall(
      SystemCall.pread, descriptor, Int(bitPattern: UnsafeRawPointer($0)),
      MemoryLayout<lacuna_header>.size, 0)
  }
  guard read == MemoryLayout<lacuna_header>.size, first.magic == UInt64(LACUNA_MAGIC),
    first.version == LACUNA_ABI_VERSION, first.closed == 0
  else { return nil }
  guard first.traced_pid == 0 || first.traced_pid == own else { return nil }
  let readWrite = 3
  let shared = old == nil ? 0x01 : 0x11
  let address = systemCall(
    SystemCall.mmap, Int(bitPattern: old), Int(truncatingIfNeeded: first.segment_bytes), readWrite,
    shared, descriptor, 0)
  guard address > 0, let segment = UnsafeMutableRawPointer(bitPattern: address) else {
    sayUnrecorded(descriptor, first.unrecorded_images)
    return nil
  }
  let header = segment.assumingMemoryBound(to: lacuna_header.self)
  // The first process that asks is the traced one. After an exec it asks again.
  if header.pointee.traced_pid != own {
    guard lacuna_claim(header, own) != 0 else {
      _ = systemCall(SystemCall.munmap, address, Int(truncatingIfNeeded: first.segment_bytes))
      return nil
    }
  }
  return segment
}

/// Tells the recorder, past the mapping that there was no room for, that this image is not recorded.
private func sayUnrecorded(_ descriptor: Int, _ before: UInt32) {
  var count = before &+ 1
  withUnsafeMutablePointer(to: &count) {
    _ = systemCall(
      SystemCall.pwrite, descriptor, Int(bitPattern: UnsafeRawPointer($0)), 4,
      Int(lacuna_unrecorded_images_offset()))
  }
}

/// Fills in the session and says so to the recorder.
///
/// A forked child goes on with the memory that its parent had for this.
func begin(_ segment: UnsafeMutableRawPointer, process: Int32, afterFork: Bool)
  -> UnsafePointer<UInt8>?
{
  let header = segment.assumingMemoryBound(to: lacuna_header.self)
  let limit = Int(truncatingIfNeeded: header.pointee.stack_limit)
  guard mapRecordingPage(), ToolMemory.map() else {
    _ = lacuna_add32(&header.pointee.unrecorded_images, 1)
    _ = systemCall(
      SystemCall.munmap, Int(bitPattern: segment),
      Int(truncatingIfNeeded: header.pointee.segment_bytes))
    return nil
  }
  let recording = session.recording.unsafelyUnwrapped

  func part(_ offset: UInt64) -> UnsafeMutableRawPointer {
    segment + Int(truncatingIfNeeded: offset)
  }
  session.header = header
  session.controls = part(header.pointee.controls_offset)
    .assumingMemoryBound(to: lacuna_ring_control.self)
  session.modules = part(header.pointee.modules_offset)
    .assumingMemoryBound(to: lacuna_module.self)
  session.nodes = part(header.pointee.nodes_offset).assumingMemoryBound(to: lacuna_node.self)
  session.rings = part(header.pointee.rings_offset).assumingMemoryBound(to: UInt64.self)
  session.segment = segment
  session.segmentBytes = Int(truncatingIfNeeded: header.pointee.segment_bytes)
  session.processID = process
  session.beganAfterFork = afterFork
  session.stackLimit = limit < LACUNA_STACK_LIMIT ? limit : LACUNA_STACK_LIMIT
  session.usesFramePointers = header.pointee.stack_method == 1
  RulePaths.begin()
  session.clock = header.pointee.clock
  LoaderWatch.start()
  session.generation = session.generation &+ 1
  describe(header)
  lacuna_watch_forks()
  if !afterFork { session.breakStart = reportedBreak }
  own(header, 0, recording, 4096)
  own(
    header, 1, UnsafeMutableRawPointer(session.rules.unsafelyUnwrapped), ToolMemory.tableBytes)
  own(
    header, 2, UnsafeMutableRawPointer(session.scratch.unsafelyUnwrapped), ToolMemory.scratchBytes)
  // An exec ends the other threads wherever they are: one of them may have held the shared ring.
  let shared = session.controls.unsafelyUnwrapped + LACUNA_SHARED_RING
  lacuna_store64(&shared.pointee.pending, 0)
  lacuna_store32(&shared.pointee.lock, 0)
  lacuna_store32(&header.pointee.gate_owner, 0)
  session.imageNumber = lacuna_add32(&header.pointee.image_count, 1)
  lacuna_use_regions(&header.pointee.regions, header.pointee.block_header_bytes == 8 ? 1 : 0)
  session.imageRoot = StackInterner.imageRoot(number: session.imageNumber)
  recording.pointee = 1
  Recording.announceImage()
  return UnsafePointer(recording)
}

/// The page that says whether this process records.
private func mapRecordingPage() -> Bool {
  if session.recording != nil { return true }
  guard let recording = mapPrivate(bytes: 4096),
    systemCall(SystemCall.madvise, Int(bitPattern: recording), 4096, wipeOnFork) == 0
  else { return false }
  session.recording = recording.assumingMemoryBound(to: UInt8.self)
  return true
}

/// Tells the recorder of memory that is the library's and not the program's.
private func own(
  _ header: UnsafeMutablePointer<lacuna_header>, _ index: Int, _ start: UnsafeMutableRawPointer,
  _ byteCount: Int
) {
  let first = UInt64(UInt(bitPattern: start))
  withUnsafeMutableBytes(of: &header.pointee.own) { bytes in
    bytes.storeBytes(of: first, toByteOffset: index &* 16, as: UInt64.self)
    bytes.storeBytes(
      of: first &+ UInt64(UInt(bitPattern: byteCount)), toByteOffset: index &* 16 &+ 8,
      as: UInt64.self)
  }
}

/// Tells the recorder what only the process itself knows for sure.
private func describe(_ header: UnsafeMutablePointer<lacuna_header>) {
  reportedBreak =
    givenBreakStart != 0 ? givenBreakStart : UInt64(UInt(bitPattern: lacuna_current_break()))
  let limit = LACUNA_PATH_BYTES
  withUnsafeMutableBytes(of: &header.pointee.executable) { path in
    let name: StaticString = "/proc/self/exe"
    let length = systemCall(
      SystemCall.readlink, Int(bitPattern: name.utf8Start),
      Int(bitPattern: path.baseAddress.unsafelyUnwrapped), limit &- 1)
    path[length > 0 ? length : 0] = 0
  }
  var object = lacuna_object()
  guard lacuna_find_object(lacuna_real_malloc_address(), &object) != 0, let path = object.path
  else { return }
  let length = withUnsafeMutableBytes(of: &header.pointee.allocator) { copy(path, into: $0) }
  // The C library keeps eight bytes in front of each block. Another library may only pass the
  // requests on to it: its first blocks will tell.
  header.pointee.block_header_bytes = isLibc(path, length) ? 8 : 0
  BlockHeader.remainingProbes = isLibc(path, length) ? 0 : 4
  if isLibc(path, length) { ArenaWatch.start() }
}

/// Whether the file name is `libc.so.6`.
private func isLibc(_ path: UnsafePointer<CChar>, _ length: Int) -> Bool {
  let name: StaticString = "libc.so.6"
  let count = name.utf8CodeUnitCount
  guard length >= count else { return false }
  for i in 0..<count where path[length &- count &+ i] != CChar(bitPattern: name.utf8Start[i]) {
    return false
  }
  return length == count || path[length &- count &- 1] == 0x2f
}

/// Copies a C string, cut to the buffer, and returns its length.
func copy(_ string: UnsafePointer<CChar>, into buffer: UnsafeMutableRawBufferPointer) -> Int {
  var i = 0
  while i &+ 1 < buffer.count, string[i] != 0 {
    buffer[i] = UInt8(bitPattern: string[i])
    i &+= 1
  }
  buffer[i] = 0
  return i
}
