// Which run of cells a page belongs to.

internal import MemoryUnits

/// A number, zero unless set, for each page of an address space of 2^50 bytes.
///
/// Costs four bytes for each page in use, and memory only where something was set.
struct PageOwners: ~Copyable {
  /// Pages at or above this address have no owner.
  ///
  /// Only the distant segments of a hostile trace lie there.
  static let limit: UInt64 = 1 << 50
  private static let pageShift = 12
  private static let chunkShift = 20

  private var chunks = ChunkDirectory(chunkByteCount: 4 << PageOwners.chunkShift)

  init() {}

  /// The number of the page that has this byte.
  @inline(__always)
  func owner(of address: Address) -> Int {
    guard address.rawValue < Self.limit else { return 0 }
    let page = Int(truncatingIfNeeded: address.rawValue) >> Self.pageShift
    let number = page >> Self.chunkShift
    guard number < chunks.count, let chunk = chunks.chunk(number) else { return 0 }
    return Int(Self.entry(chunk, page).pointee)
  }

  /// Gives all pages of a run, which starts at a page and ends below the limit, a number.
  mutating func set(_ base: Address, _ byteCount: Int, to owner: Int) {
    let first = Int(base.rawValue) >> Self.pageShift
    let end = (Int(base.rawValue) + byteCount + (1 << Self.pageShift) - 1) >> Self.pageShift
    chunks.extend(to: ((end - 1) >> Self.chunkShift) + 1)
    for page in first..<end {
      let chunk = chunks.writableChunk(page >> Self.chunkShift)
      Self.entry(chunk, page).pointee = UInt32(truncatingIfNeeded: owner)
    }
  }

  @inline(__always)
  private static func entry(
    _ chunk: UnsafeMutableRawPointer, _ page: Int
  ) -> UnsafeMutablePointer<UInt32> {
    chunk.assumingMemoryBound(to: UInt32.self) + page & ((1 << chunkShift) - 1)
  }
}
