// The payload of a chunk, taken apart into sections, which are unpacked when asked for.

/// Loads the payload of one chunk after another; memory is reused.
final class ChunkPayload {
  private struct Section {
    var codec: SectionCodec
    var packed: Range<Int>
    var rawCount: Int
    /// Where the unpacked bytes are, once they are.
    var raw: Int?
  }

  private let file: FileBytes
  private let inflater = Inflater()
  private var payload: UnsafeMutablePointer<UInt8>
  private var payloadCapacity = 1 << 16
  private var arena: UnsafeMutablePointer<UInt8>
  private var arenaCapacity = 1 << 16
  private var arenaCount = 0
  private var table = SectionTable()
  private var sections: [Section?] = Array(repeating: nil, count: 256)

  init(_ file: FileBytes) {
    self.file = file
    payload = .allocate(capacity: payloadCapacity)
    arena = .allocate(capacity: arenaCapacity)
  }

  deinit {
    payload.deallocate()
    arena.deallocate()
  }

  /// Reads the payload, checks it, and unpacks the sections: those of the address layer only if
  /// `addresses` says so.
  ///
  /// Returns what is wrong, or nil.
  func load(_ chunk: FoundChunk, addresses: Bool) throws(TraceError) -> String? {
    let range = chunk.payload
    guard range.count <= TraceFormat.maximumPayloadBytes else { return "the chunk is too long" }
    if range.count > payloadCapacity {
      payload.deallocate()
      payloadCapacity = range.count * 2
      payload = .allocate(capacity: payloadCapacity)
    }
    try file.read(range.count, at: range.lowerBound, into: payload)
    guard crc(payload, range.count) == chunk.header.payloadCRC else {
      return "the checksum does not match"
    }
    for index in sections.indices { sections[index] = nil }
    return parse(range.count, isShort: chunk.header.hasShortTable)
      ?? unpackAll(addresses: addresses)
  }

  /// Reads the table of sections.
  private func parse(_ count: Int, isShort: Bool) -> String? {
    let bytes = UnsafeBufferPointer(start: payload, count: count)
    guard var start = table.read(bytes, isShort: isShort) else {
      return "the table of sections is incomplete"
    }
    for entry in table.entries {
      guard entry.packed <= count - start else {
        return "a section reaches past the end of its chunk"
      }
      defer { start += entry.packed }
      guard SectionID(rawValue: entry.id) != nil else {
        // Bit 0 says that the other sections can be understood without this one.
        if entry.flags & 1 == 1 { continue }
        return "section \(entry.id) belongs to a later version of the format"
      }
      guard let codec = SectionCodec(rawValue: entry.codec) else {
        return "section \(entry.id) is packed in an unknown way"
      }
      let limit =
        codec == .stored ? entry.packed : (entry.packed + 1) * TraceFormat.maximumDeflateRatio
      guard entry.raw <= min(limit, TraceFormat.maximumSectionBytes),
        codec == .deflate || entry.raw == entry.packed
      else { return "section \(entry.id) claims more bytes than it can hold" }
      sections[Int(entry.id)] = Section(
        codec: codec, packed: start..<start + entry.packed, rawCount: entry.raw)
    }
    return start == count ? nil : "bytes follow the last section"
  }

  /// Unpacks into one piece of memory, with zeros behind each section.
  private func unpackAll(addresses: Bool) -> String? {
    let skipped = addresses ? 0..<0 : SectionID.addressLayer
    var needed = ColumnCursor.padding
    for case let (id, section?) in sections.enumerated() where !skipped.contains(id) {
      needed += section.rawCount + ColumnCursor.padding
    }
    if needed > arenaCapacity {
      arena.deallocate()
      arenaCapacity = needed * 2
      arena = .allocate(capacity: arenaCapacity)
    }
    // The place of sections that are not there: nothing, followed by zeros.
    arena.update(repeating: 0, count: ColumnCursor.padding)
    arenaCount = ColumnCursor.padding
    for case let (id, section?) in sections.enumerated() where !skipped.contains(id) {
      let packed = UnsafeBufferPointer(
        start: payload + section.packed.lowerBound, count: section.packed.count)
      let output = arena + arenaCount
      if section.codec == .stored {
        output.update(from: payload + section.packed.lowerBound, count: section.rawCount)
      } else if !inflater.unpack(packed, into: output, count: section.rawCount) {
        return "section \(id) cannot be unpacked"
      }
      (output + section.rawCount).update(repeating: 0, count: ColumnCursor.padding)
      sections[id]?.raw = arenaCount
      arenaCount += section.rawCount + ColumnCursor.padding
    }
    return nil
  }

  /// The unpacked bytes of a section; empty where the chunk has none.
  ///
  /// Valid until the next load.
  func section(_ id: SectionID) -> UnsafeBufferPointer<UInt8> {
    guard let section = sections[Int(id.rawValue)], let raw = section.raw else {
      return UnsafeBufferPointer(start: arena, count: 0)
    }
    return UnsafeBufferPointer(start: arena + raw, count: section.rawCount)
  }

  func source(_ id: SectionID) -> ByteSource { ByteSource(section(id)) }

  func cursor(_ id: SectionID) -> ColumnCursor {
    guard let section = sections[Int(id.rawValue)], let raw = section.raw else {
      return ColumnCursor(next: arena, end: arena)
    }
    return ColumnCursor(next: arena + raw, end: arena + raw + section.rawCount)
  }
}
