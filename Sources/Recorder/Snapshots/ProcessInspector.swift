// Reading everything about the memory of a process that a snapshot holds.

import MemoryUnits
import Trace

/// Reads the memory of one process from outside, and touches nothing.
struct ProcessInspector {
  /// What was read at once.
  struct Reading {
    var memory: MemoryFigures
    var mappings: [SnapshotMapping] = []
    var pages = PagePresence()
    var threadCaches: [ThreadCache]?

    /// What makes the snapshot long.
    var entryCount: Int {
      mappings.count + pages.present.count + pages.swapped.count
        + (threadCaches ?? []).reduce(0) { $0 + 1 + ($1.blockCount ?? 0) }
    }
  }

  /// What to look for beside the mappings.
  struct Wishes {
    var depth: SnapshotSchedule.Depth
    /// Whether the process waits: then its shared pages are weighed too, which takes as long again.
    var isWaiting: Bool
    /// Whether the allocator is glibc's own.
    var hasThreadCaches: Bool
  }

  private let process: Int32
  private var text = ProcBytes()
  private var scanner = PageScanner()
  private var zeroedData = ZeroedData()
  private var cacheReader = ThreadCacheReader()

  init(process: Int32) { self.process = process }

  /// A new program image lays out everything anew.
  mutating func replaceImage() { cacheReader = ThreadCacheReader() }

  /// Reads the process; nil where it is gone, or is not running the program that is recorded.
  mutating func read(
    _ wishes: Wishes, own: MappingClassifier.Own, threads: [RequestingThread]
  ) -> Reading? {
    do throws(ProcBytes.Failure) {
      return try readAll(wishes, own: own, threads: threads)
    } catch {
      guard error == .refused, let figures = figures() else { return nil }
      return Reading(memory: figures)
    }
  }

  private mutating func readAll(
    _ wishes: Wishes, own: MappingClassifier.Own, threads: [RequestingThread]
  ) throws(ProcBytes.Failure) -> Reading? {
    let isHeavy = wishes.depth == .heavy
    guard let list = try mappings(hasFigures: isHeavy) else { return nil }
    let memory = PresentMemory(process: process)
    var pages = PagePresence()
    if isHeavy { pages = scanner.scan(list.mappings.filter(\.isScanned), memory) }
    guard
      var mappings = MappingClassifier.classify(
        list.mappings, own: own, probe: HeapProbe(memory: memory), threads: threads,
        zeroedData: &zeroedData),
      var figures = figures()
    else { return nil }
    var caches: [ThreadCache]?
    if isHeavy {
      figures.proportional = list.proportional
      Self.separateTool(&mappings, &pages, &figures)
      if wishes.isWaiting { figures.proportionalAnonymous = proportionalAnonymous() }
      if wishes.hasThreadCaches {
        let heaps = mappings.filter(\.kind.isHeap).map(\.range)
        caches = cacheReader.read(threads, heaps: heaps, memory)
      }
    }
    return Reading(memory: figures, mappings: mappings, pages: pages, threadCaches: caches)
  }

  /// The list of the mappings, of one moment if that can be had in a few attempts.
  private mutating func mappings(hasFigures: Bool) throws(ProcBytes.Failure) -> KernelMappings? {
    var list: KernelMappings?
    for _ in 0..<3 {
      try text.read("/proc/\(process)/\(hasFigures ? "smaps" : "maps")")
      list = KernelMappings(text, hasFigures: hasFigures)
      if let list, !list.isTorn { break }
    }
    return list
  }

  private mutating func figures() -> MemoryFigures? {
    do throws(ProcBytes.Failure) {
      try text.read("/proc/\(process)/status")
    } catch {
      return nil
    }
    return MemoryFigures(text)
  }

  /// Sums up the recorder's own pages, and takes them out of those of the program.
  private static func separateTool(
    _ mappings: inout [SnapshotMapping], _ pages: inout PagePresence,
    _ figures: inout MemoryFigures
  ) {
    var resident = ByteCount.zero
    var anonymous = ByteCount.zero
    var own: [Range<Address>] = []
    for index in mappings.indices where mappings[index].kind == .tool {
      let range = mappings[index].range
      own.append(range)
      if mappings[index].figures == nil, pages.source != .unknown {
        let present = pages.present.clamped(to: range).reduce(.zero) { $0 + $1.byteCount }
        let swapped = pages.swapped.clamped(to: range).reduce(.zero) { $0 + $1.byteCount }
        mappings[index].figures = SnapshotMapping.Figures(
          resident: present, anonymous: present, swapped: swapped)
      }
      resident += mappings[index].figures?.resident ?? .zero
      anonymous += mappings[index].figures?.anonymous ?? .zero
    }
    pages.present = pages.present.subtracting(own)
    pages.swapped = pages.swapped.subtracting(own)
    figures.tool = resident
    figures.toolAnonymous = anonymous
  }

  private mutating func proportionalAnonymous() -> ByteCount? {
    do throws(ProcBytes.Failure) {
      try text.read("/proc/\(process)/smaps_rollup")
    } catch {
      return nil
    }
    var result: ByteCount?
    text.forEachLine { start in
      var line = start
      guard line.skip("Pss_Anon:") else { return }
      line.skipBlanks()
      result = line.decimal().map { ByteCount(Int64(min($0, 1 << 50)) << 10) }
    }
    return result
  }
}

extension KernelMapping {
  /// Whether its pages are asked for one by one: the heap, stacks, whatever has no file.
  fileprivate var isScanned: Bool { isAnonymous || name == "[heap]" || name == "[stack]" }
}

extension SnapshotMapping.Kind {
  fileprivate var isHeap: Bool {
    switch self {
    case .heap, .arenaHeap: true
    default: false
    }
  }
}
