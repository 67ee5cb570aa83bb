// The shared memory of a recording: laid out and owned by the recorder.

import CLinux
import CaptureABI
import Glibc
import Trace

/// The segment that the traced process writes into.
///
/// It has no name in any file system: the traced process opens it through the recorder's `/proc`
/// entry, and it vanishes with its last user.
final class Segment {
  let descriptor: Int32
  let header: UnsafeMutablePointer<lacuna_header>
  let controls: UnsafeMutablePointer<lacuna_ring_control>
  let modules: UnsafeMutablePointer<lacuna_module>
  let nodes: UnsafeMutablePointer<lacuna_node>
  let rings: UnsafeMutablePointer<UInt64>
  private let base: UnsafeMutableRawPointer
  let byteCount: Int

  /// Creates an empty segment.
  ///
  /// - Parameters:
  ///   - settings: what the library is to capture.
  ///   - usesMonotonicClock: whether stamps come from `CLOCK_MONOTONIC`, because the processor's
  ///     time stamp counter does not tick evenly.
  ///   - given: a nameless file in memory to use, instead of one of our own.
  init(
    _ settings: CaptureSettings, usesMonotonicClock: Bool, given: Int32? = nil
  ) throws(RecorderError) {
    var layout = Layout()
    let headerOffset = layout.add(4096)
    let controlsOffset = layout.add(
      Int(LACUNA_RING_COUNT) * MemoryLayout<lacuna_ring_control>.stride)
    let modulesOffset = layout.add(
      Int(LACUNA_MODULE_CAPACITY) * MemoryLayout<lacuna_module>.stride)
    let nodesOffset = layout.add(Int(LACUNA_NODE_CAPACITY) * MemoryLayout<lacuna_node>.stride)
    let ringsOffset = layout.add(Int(LACUNA_RING_COUNT) * Int(LACUNA_RING_WORDS) * 8)
    byteCount = layout.end

    descriptor = given ?? linux_memory_file("lacuna")
    guard descriptor >= 0 else {
      throw .system("cannot create the shared memory of the recording", errno)
    }
    do {
      try Self.extend(descriptor, to: byteCount)
    } catch {
      close(descriptor)
      throw error
    }
    let mapped = mmap(nil, byteCount, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0)
    guard let mapped, mapped != MAP_FAILED else {
      throw .system("cannot map the shared memory of the recording", errno)
    }
    base = mapped
    header = (mapped + headerOffset).assumingMemoryBound(to: lacuna_header.self)
    controls = (mapped + controlsOffset).assumingMemoryBound(to: lacuna_ring_control.self)
    modules = (mapped + modulesOffset).assumingMemoryBound(to: lacuna_module.self)
    nodes = (mapped + nodesOffset).assumingMemoryBound(to: lacuna_node.self)
    rings = (mapped + ringsOffset).assumingMemoryBound(to: UInt64.self)
    header.pointee.version = UInt32(LACUNA_ABI_VERSION)
    header.pointee.recorder_pid = getpid()
    header.pointee.segment_bytes = UInt64(byteCount)
    header.pointee.controls_offset = UInt64(controlsOffset)
    header.pointee.modules_offset = UInt64(modulesOffset)
    header.pointee.nodes_offset = UInt64(nodesOffset)
    header.pointee.rings_offset = UInt64(ringsOffset)
    header.pointee.clock = usesMonotonicClock ? 1 : 0
    header.pointee.stack_limit = UInt32(settings.stackLimit)
    header.pointee.stack_method = settings.usesFramePointers ? 1 : 0
    let regions = settings.regions ?? .all
    header.pointee.regions = lacuna_region_rule(
      grid: regions.grid, mask: regions.mask, multiplier: regions.multiplier,
      offset: regions.offset, threshold: regions.threshold)
    header.pointee.magic = UInt64(LACUNA_MAGIC)
  }

  /// Gives the file its length.
  ///
  /// The limit on the size of files is not meant for memory, but holds here too: it is lifted for a
  /// moment where that is allowed.
  private static func extend(_ descriptor: Int32, to byteCount: Int) throws(RecorderError) {
    let what = "cannot create the shared memory of the recording"
    let resource = __rlimit_resource_t(RLIMIT_FSIZE.rawValue)
    var limit = rlimit()
    guard getrlimit(resource, &limit) == 0 else {
      throw .system(what, errno)
    }
    var lifted = limit
    if limit.rlim_cur < rlim_t(byteCount) {
      // Beyond the limit the system would not fail but end this process.
      guard limit.rlim_max >= rlim_t(byteCount) else {
        throw .system(what + ", \(byteCount >> 20) MiB, under the limit of ulimit -f", EFBIG)
      }
      lifted.rlim_cur = limit.rlim_max
    }
    setrlimit(resource, &lifted)
    defer { setrlimit(resource, &limit) }
    guard ftruncate(descriptor, byteCount) == 0 else { throw .system(what, errno) }
  }

  /// Gives the memory back that the segment takes, although the process still has it mapped.
  func discard() {
    linux_discard_file(descriptor, 4096, Int64(byteCount) - 4096)
  }

  deinit {
    munmap(base, byteCount)
    close(descriptor)
  }

  /// Where the traced process finds the segment.
  var path: String { "/proc/\(getpid())/fd/\(descriptor)" }

  /// The text in a fixed array of characters, up to its zero.
  static func text<T>(_ characters: T) -> String {
    withUnsafeBytes(of: characters) { bytes in
      String(decoding: bytes.prefix(while: { $0 != 0 }), as: UTF8.self)
    }
  }

  /// Puts one part behind the other, each on a page of its own.
  private struct Layout {
    var end = 0

    mutating func add(_ bytes: Int) -> Int {
      let offset = end
      end = (offset + bytes + 4095) & ~4095
      return offset
    }
  }
}
