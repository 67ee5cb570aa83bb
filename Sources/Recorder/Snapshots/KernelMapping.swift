// Mappings as the kernel lists them.

import MemoryUnits
import Trace

/// A line of `/proc/PID/maps`, and what `smaps` adds to it.
struct KernelMapping {
  var range: Range<UInt64>
  var permissions: SnapshotMapping.Permissions
  var offset: UInt64
  var inode: UInt64
  /// The path, a name in brackets, or nothing.
  var name: String
  var figures: SnapshotMapping.Figures?

  /// Whether its pages have no file behind them, and no name that says what they are.
  var isAnonymous: Bool {
    inode == 0 && (name.isEmpty || name.hasPrefix("[anon:"))
      && !permissions.contains(.shared)
  }
}

/// The mappings of a process, read from `maps` or `smaps`.
struct KernelMappings {
  var mappings: [KernelMapping] = []
  /// The sum of all `Pss`; nil where `maps` was read.
  var proportional: ByteCount?
  /// Whether mappings changed while the kernel listed them, a page of text at a time: one that was
  /// joined to its neighbour meanwhile comes a second time.
  var isTorn = false

  /// Reads what `text` holds; nil where it is no table of mappings.
  ///
  /// Of a mapping that overlaps what came before only the rest is kept, without its figures.
  init?(_ text: ProcBytes, hasFigures: Bool) {
    var end: UInt64 = 0
    var isSound = true
    var isPassing = false
    var proportional: UInt64 = 0
    var found: [KernelMapping] = []
    text.forEachLine { line in
      // Names of fields begin with a capital letter, addresses with a digit or a small one.
      if line.first >= 0x41, line.first <= 0x5a {
        guard !found.isEmpty, !isPassing else { return }
        Self.field(line, of: &found[found.count - 1], &proportional)
      } else if var mapping = Self.mapping(line) {
        let overlaps = mapping.range.lowerBound < end
        if overlaps { isTorn = true }
        isPassing = mapping.range.upperBound <= end
        guard !isPassing else { return }
        if overlaps {
          mapping.offset &+= end - mapping.range.lowerBound
          mapping.range = end..<mapping.range.upperBound
        } else if hasFigures {
          mapping.figures = .init(resident: 0, anonymous: 0, swapped: 0)
        }
        end = mapping.range.upperBound
        found.append(mapping)
      } else {
        isSound = false
      }
    }
    guard isSound, !found.isEmpty else { return nil }
    mappings = found
    if hasFigures, !isTorn { self.proportional = ByteCount(Int64(proportional << 10)) }
  }

  private static func mapping(_ line: LineScanner) -> KernelMapping? {
    var line = line
    guard let start = line.hexadecimal(), line.skip("-"), let end = line.hexadecimal(),
      start < end, start & 4095 == 0, end & 4095 == 0, line.skip(" ")
    else { return nil }
    var permissions: SnapshotMapping.Permissions = []
    if line.next() == 0x72 { permissions.insert(.read) }
    if line.next() == 0x77 { permissions.insert(.write) }
    if line.next() == 0x78 { permissions.insert(.execute) }
    if line.next() == 0x73 { permissions.insert(.shared) }
    guard line.skip(" "), let offset = line.hexadecimal(), line.skip(" "),
      line.hexadecimal() != nil, line.skip(":"), line.hexadecimal() != nil, line.skip(" "),
      let inode = line.decimal()
    else { return nil }
    line.skipBlanks()
    return KernelMapping(
      range: start..<end, permissions: permissions, offset: offset, inode: inode,
      name: line.rest)
  }

  private static func field(
    _ line: LineScanner, of mapping: inout KernelMapping, _ proportional: inout UInt64
  ) {
    var line = line
    switch line.first {
    case 0x52:  // R
      if line.skip("Rss:") { mapping.figures?.resident = size(&line) }
    case 0x50:  // P
      if line.skip("Pss:") { proportional &+= UInt64(size(&line).rawValue >> 10) }
    case 0x41:  // A
      if line.skip("Anonymous:") { mapping.figures?.anonymous = size(&line) }
    case 0x53:  // S
      if line.skip("Swap:") { mapping.figures?.swapped = size(&line) }
    case 0x56:  // V
      if line.skip("VmFlags:") { flags(&line, &mapping.permissions) }
    default: break
    }
  }

  private static func size(_ line: inout LineScanner) -> ByteCount {
    line.skipBlanks()
    return ByteCount(Int64(min(line.decimal() ?? 0, 1 << 50)) << 10)
  }

  private static func flags(
    _ line: inout LineScanner, _ permissions: inout SnapshotMapping.Permissions
  ) {
    line.skipBlanks()
    while line.first != 0 {
      if line.skip("lo") {
        permissions.insert(.locked)
      } else if line.skip("hg") {
        permissions.insert(.hugePages)
      } else {
        _ = line.next()
        _ = line.next()
      }
      line.skipBlanks()
    }
  }
}

extension MemoryFigures {
  /// Reads `/proc/PID/status`; nil where the process has no memory any more.
  init?(_ status: ProcBytes) {
    var figures = MemoryFigures()
    var hasMemory = false
    func size(_ line: LineScanner) -> ByteCount {
      var line = line
      line.skipBlanks()
      return ByteCount(Int64(min(line.decimal() ?? 0, 1 << 50)) << 10)
    }
    status.forEachLine { start in
      var line = start
      switch line.first {
      case 0x56:  // V
        if line.skip("VmRSS:") {
          figures.resident = size(line)
          hasMemory = true
        } else if line.skip("VmHWM:") {
          figures.peakResident = size(line)
        } else if line.skip("VmSwap:") {
          figures.swapped = size(line)
        } else if line.skip("VmPTE:") {
          figures.pageTables = size(line)
        }
      case 0x52:  // R
        if line.skip("RssAnon:") {
          figures.residentAnonymous = size(line)
        } else if line.skip("RssFile:") {
          figures.residentFile = size(line)
        } else if line.skip("RssShmem:") {
          figures.residentShared = size(line)
        }
      case 0x54:  // T
        if line.skip("Threads:") {
          line.skipBlanks()
          figures.threads = Int(min(line.decimal() ?? 0, 1 << 31))
        }
      default: break
      }
    }
    guard hasMemory else { return nil }
    self = figures
  }
}
