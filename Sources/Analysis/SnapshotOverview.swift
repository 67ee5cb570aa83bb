// A snapshot of a process's memory, summed up by what the memory is for.

public import MemoryUnits
public import Trace

/// All mappings of one kind, in one snapshot.
public struct MappingShare: Sendable, Equatable {
  /// The kind: `heap`, `file`.
  public var kind: String
  /// How many mappings there are.
  public var mappings: Int
  /// The address space that they take.
  public var bytes: ByteCount
  /// What of it was in memory; nil where the snapshot does not say.
  public var resident: ByteCount?
}

extension Snapshot {
  /// The mappings by kind, the largest part of the resident memory first.
  ///
  /// - Complexity: O(mappings + ranges), for mappings and ranges in order.
  public var shares: [MappingShare] {
    var shares: [MappingShare] = []
    var range = 0
    for mapping in mappings {
      let resident = resident(of: mapping, from: &range)
      let kind = mapping.kind.name
      if let index = shares.firstIndex(where: { $0.kind == kind }) {
        shares[index].mappings += 1
        shares[index].bytes += mapping.range.byteCount
        shares[index].resident = shares[index].resident.flatMap { sum in resident.map { sum + $0 } }
      } else {
        shares.append(
          MappingShare(
            kind: kind, mappings: 1, bytes: mapping.range.byteCount, resident: resident))
      }
    }
    return shares.sorted { a, b in
      let (left, right) = (a.resident ?? .zero, b.resident ?? .zero)
      return left != right ? left > right : a.kind < b.kind
    }
  }

  /// What the kernel says of a mapping, or, of the part of one, what its pages say.
  private func resident(of mapping: SnapshotMapping, from index: inout Int) -> ByteCount? {
    if let figures = mapping.figures { return figures.resident }
    guard pages.source != .unknown else { return nil }
    while index < pages.present.count, pages.present[index].upperBound <= mapping.range.lowerBound {
      index += 1
    }
    var sum = ByteCount.zero
    var next = index
    while next < pages.present.count, pages.present[next].lowerBound < mapping.range.upperBound {
      sum += pages.present[next].clamped(to: mapping.range).byteCount
      next += 1
    }
    return sum
  }
}
