// Which pages of a process are in memory.

import CLinux
import Glibc
import MemoryUnits
import Trace

/// Asks the kernel page by page: in one request where it has one for that, else from the table.
struct PageScanner {
  /// Whether the kernel's own request is used; off only in tests.
  var usesScan = true

  /// Ranges beyond so many are not kept: the snapshot says that it does not know.
  static let maximumRanges = 1 << 18

  /// Where more than 512 are asked for at a time, Linux 6.18 says some twice, out of order.
  private var found = [linux_page_range](repeating: linux_page_range(), count: 512)
  private var entries: [UInt64] = []

  init() {}

  /// The pages of the mappings that are in memory or in swap.
  ///
  /// Mappings without either are passed over.
  mutating func scan(_ mappings: [KernelMapping], _ memory: PresentMemory) -> PagePresence {
    let descriptor = memory.pagemapDescriptor
    guard descriptor >= 0 else { return PagePresence() }
    var presence = PagePresence(source: usesScan ? .pagemapScan : .pagemap)
    for mapping in mappings {
      if let figures = mapping.figures, figures.resident == .zero, figures.swapped == .zero {
        continue
      }
      let isKnown =
        presence.source == .pagemapScan
        ? request(descriptor, mapping, &presence) : table(descriptor, mapping, &presence)
      guard isKnown, presence.present.count + presence.swapped.count <= Self.maximumRanges else {
        guard presence.source == .pagemapScan, !isKnown else { return PagePresence() }
        usesScan = false
        defer { usesScan = true }
        return scan(mappings, memory)
      }
    }
    return presence
  }

  private mutating func request(
    _ descriptor: Int32, _ mapping: KernelMapping, _ presence: inout PagePresence
  ) -> Bool {
    var start = mapping.range.lowerBound
    while start < mapping.range.upperBound {
      let before = start
      let count = found.withUnsafeMutableBufferPointer {
        linux_scan_pages(
          descriptor, &start, mapping.range.upperBound, $0.baseAddress, UInt($0.count))
      }
      guard count >= 0, start > before else { return false }
      var last = before
      for range in found[..<min(count, found.count)] {
        guard range.start >= last, range.start < range.end, range.end <= start else { return false }
        last = range.end
        if range.categories & UInt64(LINUX_PAGE_PRESENT) != 0 {
          Self.append(range.start..<range.end, to: &presence.present)
        } else {
          Self.append(range.start..<range.end, to: &presence.swapped)
        }
      }
      if presence.present.count + presence.swapped.count > Self.maximumRanges { return true }
    }
    return true
  }

  /// Reads the table of pages, eight bytes for each (`Documentation/admin-guide/mm/pagemap.rst`).
  ///
  /// Without privileges it does not tell the page of zeros from others. But nobody counts as its
  /// user: where the mapping has more pages than are resident, those without an only user are
  /// zeros, if that makes the numbers agree.
  private mutating func table(
    _ descriptor: Int32, _ mapping: KernelMapping, _ presence: inout PagePresence
  ) -> Bool {
    let present: UInt64 = 1 << 63
    let swapped: UInt64 = 1 << 62
    let exclusive: UInt64 = 1 << 56
    var all = 0
    var own = 0
    var pages: [Range<Address>] = []
    var ownPages: [Range<Address>] = []
    if entries.isEmpty { entries = Array(repeating: 0, count: 1 << 16) }
    var page = mapping.range.lowerBound >> 12
    let end = mapping.range.upperBound >> 12
    while page < end {
      let wanted = Int(min(end - page, UInt64(entries.count)))
      let bytes = pread(descriptor, &entries, wanted * 8, off_t(page) * 8)
      guard bytes == wanted * 8 else { return false }
      for entry in entries[..<wanted] {
        let range = page << 12..<(page + 1) << 12
        if entry & present != 0 {
          all += 1
          Self.append(range, to: &pages)
          if entry & exclusive != 0 {
            own += 1
            Self.append(range, to: &ownPages)
          }
        } else if entry & swapped != 0 {
          Self.append(range, to: &presence.swapped)
        }
        page += 1
      }
      if pages.count > Self.maximumRanges { return false }
    }
    guard let resident = mapping.figures.map({ $0.resident.int / 4096 }),
      all == resident || own == resident
    else { return false }
    for range in all == resident ? pages : ownPages {
      Self.append(range.lowerBound.rawValue..<range.upperBound.rawValue, to: &presence.present)
    }
    return true
  }

  /// Adds a range at the end, joined to the last one where they touch.
  private static func append(_ range: Range<UInt64>, to ranges: inout [Range<Address>]) {
    if let last = ranges.last, last.upperBound.rawValue == range.lowerBound {
      ranges[ranges.count - 1] = last.lowerBound..<Address(range.upperBound)
    } else {
      ranges.append(Address(range.lowerBound)..<Address(range.upperBound))
    }
  }
}

extension [Range<Address>] {
  /// What lies in the ranges, cut to a part.
  func clamped(to part: Range<Address>) -> [Range<Address>] {
    compactMap { range in
      let common = range.clamped(to: part)
      return common.isEmpty ? nil : common
    }
  }

  /// What lies in the ranges and not in the other ones; both ascending.
  func subtracting(_ others: [Range<Address>]) -> [Range<Address>] {
    guard !others.isEmpty else { return self }
    var result: [Range<Address>] = []
    for range in self {
      var lower = range.lowerBound
      for other in others where other.overlaps(range) {
        if lower < other.lowerBound { result.append(lower..<other.lowerBound) }
        lower = Swift.max(lower, other.upperBound)
      }
      if lower < range.upperBound { result.append(lower..<range.upperBound) }
    }
    return result
  }
}
