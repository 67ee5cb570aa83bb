// What each mapping of a process is for.

import MemoryUnits
import Trace

/// A thread that made requests, and where its control block lies.
struct RequestingThread {
  var index: ThreadIndex
  var pointer: UInt64
  var isFirst: Bool
}

/// Tells what mappings are for, and divides those that the kernel has joined.
struct MappingClassifier {
  /// The recorder's memory in the process.
  struct Own {
    /// The inode of the segment.
    var segment: UInt64
    /// Private memory of the library.
    var ranges: [Range<UInt64>]
  }

  let own: Own
  let probe: HeapProbe
  let threads: [RequestingThread]

  private var mappings: [SnapshotMapping] = []
  private var sawSegment = false

  init(own: Own, probe: HeapProbe, threads: [RequestingThread]) {
    self.own = own
    self.probe = probe
    self.threads = threads.filter { !$0.isFirst && $0.pointer != 0 }
      .sorted { $0.pointer < $1.pointer }
  }

  /// The mappings with their kinds; nil where the library is not among them, so that this is not,
  /// or not yet, the program that is recorded.
  static func classify(
    _ list: [KernelMapping], own: Own, probe: HeapProbe, threads: [RequestingThread],
    zeroedData: inout ZeroedData
  ) -> [SnapshotMapping]? {
    var classifier = Self(own: own, probe: probe, threads: threads)
    for index in list.indices {
      classifier.add(list[index], after: index > 0 ? list[index - 1] : nil, &zeroedData)
    }
    return classifier.sawSegment ? classifier.mappings : nil
  }

  private mutating func add(
    _ mapping: KernelMapping, after previous: KernelMapping?, _ zeroedData: inout ZeroedData
  ) {
    if isSegment(mapping) { sawSegment = true }
    if let kind = namedKind(mapping) {
      mappings.append(
        SnapshotMapping(
          range: Self.range(mapping.range), permissions: mapping.permissions, kind: kind,
          figures: mapping.figures))
    } else {
      divide(mapping, after: previous, &zeroedData)
    }
  }

  private func isSegment(_ mapping: KernelMapping) -> Bool {
    mapping.inode == own.segment && mapping.name.hasPrefix("/memfd:lacuna")
  }

  private func isLibrary(_ mapping: KernelMapping) -> Bool {
    mapping.inode != 0
      && (mapping.name.hasSuffix("/liblacuna.so")
        || mapping.name.hasSuffix("/liblacuna.so (deleted)"))
  }

  /// The kind of a mapping whose name says it; nil for anonymous ones.
  private func namedKind(_ mapping: KernelMapping) -> SnapshotMapping.Kind? {
    if isSegment(mapping) || isLibrary(mapping) { return .tool }
    if mapping.name == "[heap]" { return .heap }
    if mapping.name == "[stack]" { return .mainStack }
    if mapping.isAnonymous { return nil }
    if mapping.inode == 0, mapping.name.hasPrefix("[") { return .kernel }
    return .file(path: mapping.name, offset: mapping.offset)
  }

  // MARK: Anonymous memory

  /// A part of an anonymous mapping that something is known of.
  private struct Part {
    var range: Range<UInt64>
    var kind: SnapshotMapping.Kind
  }

  /// Divides an anonymous mapping into the parts that are known, and what is left between them.
  private mutating func divide(
    _ mapping: KernelMapping, after previous: KernelMapping?, _ zeroedData: inout ZeroedData
  ) {
    var parts: [Part] = []
    func claim(_ range: Range<UInt64>, _ kind: SnapshotMapping.Kind) {
      let range = range.clamped(to: mapping.range)
      guard !range.isEmpty, !parts.contains(where: { $0.range.overlaps(range) }) else { return }
      parts.append(Part(range: range, kind: kind))
    }
    for range in own.ranges { claim(range, .tool) }
    for (range, heap) in probe.arenaHeaps(in: mapping) { claim(range, .arenaHeap(heap)) }
    if let previous, previous.range.upperBound == mapping.range.lowerBound {
      if previous.inode != 0, previous.permissions.contains(.write),
        let end = zeroedData.end(behind: previous), end > mapping.range.lowerBound
      {
        claim(
          mapping.range.lowerBound..<end,
          isLibrary(previous) ? .tool : .zeroedData(path: previous.name))
      }
    }
    for stack in stacks(in: mapping) where !parts.contains(where: { $0.range.contains(stack.top) })
    {
      let start =
        parts.map(\.range.upperBound).filter { $0 <= stack.top }.max() ?? mapping.range.lowerBound
      claim(start..<stack.end, .threadStack(thread: stack.thread))
    }
    if parts.isEmpty, isIdleStack(mapping, after: previous) {
      claim(mapping.range, .threadStack(thread: nil))
    }
    append(parts.sorted { $0.range.lowerBound < $1.range.lowerBound }, of: mapping)
  }

  /// The stacks of running threads: glibc puts the control block on their upper ends.
  private func stacks(in mapping: KernelMapping) -> [(
    thread: ThreadIndex, top: UInt64, end: UInt64
  )] {
    threads.filter { mapping.range.contains($0.pointer) }.map { thread in
      // 2304 bytes in glibc 2.36. What is left behind it may be another mapping.
      let end = (thread.pointer + 2304 + 4095) & ~4095
      let reachesEnd = mapping.range.upperBound <= end + 4096
      return (thread.index, thread.pointer, reachesEnd ? mapping.range.upperBound : end)
    }
  }

  /// Whether a mapping is a stack of which no thread is known: it lies above a guard, and ends with
  /// the control block of a thread.
  private func isIdleStack(_ mapping: KernelMapping, after previous: KernelMapping?) -> Bool {
    guard let previous, previous.range.upperBound == mapping.range.lowerBound,
      previous.isAnonymous, previous.permissions.isDisjoint(with: [.read, .write, .execute]),
      mapping.permissions.contains([.read, .write])
    else { return false }
    return probe.endsWithThread(mapping)
  }

  private mutating func append(_ parts: [Part], of mapping: KernelMapping) {
    func add(_ range: Range<UInt64>, _ kind: SnapshotMapping.Kind) {
      guard !range.isEmpty else { return }
      mappings.append(
        SnapshotMapping(
          range: Self.range(range), permissions: mapping.permissions, kind: kind,
          figures: range == mapping.range ? mapping.figures : nil))
    }
    var start = mapping.range.lowerBound
    for part in parts {
      add(start..<part.range.lowerBound, .anonymous)
      add(part.range, part.kind)
      start = part.range.upperBound
    }
    add(start..<mapping.range.upperBound, .anonymous)
  }

  private static func range(_ range: Range<UInt64>) -> Range<Address> {
    Address(range.lowerBound)..<Address(range.upperBound)
  }
}
