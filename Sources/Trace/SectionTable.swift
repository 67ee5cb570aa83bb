// The table at the beginning of a chunk's payload: which sections follow, and how they are packed.

/// The sections of a chunk, in order.
struct SectionTable {
  struct Entry {
    var id: UInt8
    var codec: UInt8
    /// Bit 0: a reader that does not know the id may ignore the section.
    var flags: UInt8
    var raw: Int
    var packed: Int
  }

  var entries: [Entry] = []

  /// The table as it stands in the file: entries of twelve bytes, or, in a short table, of as few as
  /// the numbers take.
  func bytes(isShort: Bool) -> [UInt8] {
    var sink = ByteSink()
    if isShort {
      sink.varint(UInt64(entries.count))
    } else {
      sink.fixed32(UInt32(truncatingIfNeeded: entries.count))
    }
    for entry in entries {
      sink.bytes.append(entry.id)
      if isShort {
        sink.bytes.append(entry.codec | entry.flags << 4)
        sink.varint(UInt64(entry.raw))
        if entry.codec != SectionCodec.stored.rawValue { sink.varint(UInt64(entry.packed)) }
      } else {
        sink.bytes += [entry.codec, entry.flags, 0]
        sink.fixed32(UInt32(truncatingIfNeeded: entry.raw))
        sink.fixed32(UInt32(truncatingIfNeeded: entry.packed))
      }
    }
    return sink.bytes
  }

  /// Reads the table at the beginning of a payload; returns the bytes that it takes, or nil where it is
  /// incomplete or too long.
  mutating func read(_ payload: UnsafeBufferPointer<UInt8>, isShort: Bool) -> Int? {
    entries.removeAll(keepingCapacity: true)
    var source = ByteSource(payload)
    let count = isShort ? source.varint() : source.fixed32().map(UInt64.init)
    guard let count, count <= TraceFormat.maximumSections else { return nil }
    for _ in 0..<count {
      guard let entry = isShort ? Self.shortEntry(&source) : Self.longEntry(&source)
      else { return nil }
      entries.append(entry)
    }
    return source.position
  }

  private static func shortEntry(_ source: inout ByteSource) -> Entry? {
    guard let id = source.byte(), let kind = source.byte(), let raw = source.varint(),
      raw <= UInt32.max
    else { return nil }
    var packed = raw
    if kind & 15 != SectionCodec.stored.rawValue {
      guard let length = source.varint(), length <= UInt32.max else { return nil }
      packed = length
    }
    return Entry(id: id, codec: kind & 15, flags: kind >> 4, raw: Int(raw), packed: Int(packed))
  }

  private static func longEntry(_ source: inout ByteSource) -> Entry? {
    guard let id = source.byte(), let codec = source.byte(), let flags = source.byte(),
      source.byte() != nil, let raw = source.fixed32(), let packed = source.fixed32()
    else { return nil }
    return Entry(id: id, codec: codec, flags: flags, raw: Int(raw), packed: Int(packed))
  }
}
