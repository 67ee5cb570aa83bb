// The source of an import, unpacked.

/// What is imported: its bytes behind any packing, and how far they are.
public final class ImportSource {
  /// How the source is named in messages.
  public let name: String
  /// The bytes, unpacked.
  let window: ByteWindow
  /// Whether the source was packed.
  let isPacked: Bool
  private let file: FileStream?

  /// Opens a file, or standard input for `-`, and finds out how it is packed.
  public convenience init(path: String) throws(ImportError) {
    let file = try FileStream(path: path)
    try self.init(file, name: file.path, file: file)
  }

  /// Bytes in memory.
  public convenience init(bytes: [UInt8], name: String) throws(ImportError) {
    try self.init(MemoryStream(bytes), name: name, file: nil)
  }

  private init(_ stream: any ByteStream, name: String, file: FileStream?) throws(ImportError) {
    let outer = ByteWindow(stream)
    self.name = name
    self.file = file
    guard try outer.has(1) else { throw .empty(path: name) }
    _ = try outer.has(8)
    let inner: (any ByteStream)?
    if outer.begins(with: [0x1f, 0x8b]) {
      inner = try DeflateStream(outer, path: name, packing: "gzip", isGzip: true)
    } else if outer.begins(with: [0x28, 0xb5, 0x2f, 0xfd]) {
      inner = try ZstdStream(outer, path: name)
    } else if outer.begins(with: [0x50, 0x4b, 3, 4]) {
      inner = try ZipArchive.open(outer, path: name)
    } else {
      inner = nil
    }
    window = inner.map { ByteWindow($0) } ?? outer
    isPacked = inner != nil
    guard try window.has(1) else { throw .empty(path: name) }
    if window.begins(with: [0x89, 0x4c, 0x41, 0x43, 0x55, 0x4e, 0x41, 0x0a]) {
      throw .isTrace(path: name)
    }
  }

  /// Bytes of the file read so far, still packed, and all of them; nil where nobody knows.
  public var progress: (done: UInt64, total: UInt64?) {
    guard let file else { return (window.offset, nil) }
    return (file.offset, file.count)
  }
}

extension ByteWindow {
  /// Whether the bytes that are there begin with these.
  func begins(with magic: [UInt8]) -> Bool { bytes.starts(with: magic) }
}
