// The private memory that the library keeps in the traced process.

import CaptureABI

extension Segment {
  /// The ranges that the library said are its own, in whole pages.
  var ownRanges: [Range<UInt64>] {
    let words = withUnsafeBytes(of: header.pointee.own) { bytes in
      Array(bytes.bindMemory(to: UInt64.self))
    }
    var ranges: [Range<UInt64>] = []
    for index in stride(from: 0, to: words.count - 1, by: 2)
    where words[index] < words[index + 1] && words[index] & 4095 == 0 {
      let end = words[index + 1].addingReportingOverflow(4095)
      guard !end.overflow else { continue }
      ranges.append(words[index]..<end.partialValue & ~4095)
    }
    return ranges
  }
}
