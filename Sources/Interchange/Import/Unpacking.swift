// Packed sources: gzip, zstd and zip, unpacked piece by piece.

import CZlib
import CZstd

/// Unpacks a deflate stream: gzip files, and the first file of a zip archive.
final class DeflateStream: ByteStream {
  private let window: ByteWindow
  private let stream: UnsafeMutablePointer<z_stream>
  private let path: String
  private let packing: String
  private let isGzip: Bool
  private var isDone = false

  /// - Parameter isGzip: whether there are gzip heads (and more members may follow), or none.
  init(_ window: ByteWindow, path: String, packing: String, isGzip: Bool) throws(ImportError) {
    self.window = window
    self.path = path
    self.packing = packing
    self.isGzip = isGzip
    stream = .allocate(capacity: 1)
    stream.initialize(to: z_stream())
    let status = inflateInit2_(
      stream, isGzip ? MAX_WBITS + 16 : -MAX_WBITS, ZLIB_VERSION,
      Int32(MemoryLayout<z_stream>.size))
    guard status == Z_OK else {
      stream.deallocate()
      throw .damagedPacking(path: path, offset: 0, packing: packing, reason: "out of memory")
    }
  }

  deinit {
    inflateEnd(stream)
    stream.deallocate()
  }

  func read(into buffer: UnsafeMutableBufferPointer<UInt8>) throws(ImportError) -> Int {
    while !isDone {
      guard try window.has(1) else { throw damaged("it ends there, before the packed data does") }
      let packed = window.bytes
      stream.pointee.next_in = UnsafeMutablePointer(mutating: packed.baseAddress)
      stream.pointee.avail_in = UInt32(packed.count)
      stream.pointee.next_out = buffer.baseAddress
      stream.pointee.avail_out = UInt32(min(buffer.count, 1 << 30))
      let room = Int(stream.pointee.avail_out)
      let status = inflate(stream, Z_NO_FLUSH)
      window.use(packed.count - Int(stream.pointee.avail_in))
      let count = room - Int(stream.pointee.avail_out)
      switch status {
      case Z_OK, Z_BUF_ERROR: break
      case Z_STREAM_END: try finishMember()
      default: if count == 0 { throw damaged("the bytes there are not packed data") }
      }
      if count > 0 { return count }
    }
    return 0
  }

  /// Another member may follow, as `cat a.gz b.gz` makes them.
  private func finishMember() throws(ImportError) {
    let follows = isGzip ? try window.has(2) && window.begins(with: [0x1f, 0x8b]) : false
    isDone = !follows || inflateReset(stream) != Z_OK
  }

  private func damaged(_ reason: String) -> ImportError {
    .damagedPacking(path: path, offset: window.offset, packing: packing, reason: reason)
  }
}

/// Unpacks zstd frames.
///
/// Frames that ask for more memory than zstd allows by default (128 MiB) are refused.
final class ZstdStream: ByteStream {
  private let window: ByteWindow
  private let stream: OpaquePointer
  private let path: String
  private var isInsideFrame = false

  init(_ window: ByteWindow, path: String) throws(ImportError) {
    guard let stream = ZSTD_createDStream() else {
      throw .damagedPacking(path: path, offset: 0, packing: "zstd", reason: "out of memory")
    }
    self.window = window
    self.stream = stream
    self.path = path
  }

  deinit { ZSTD_freeDStream(stream) }

  func read(into buffer: UnsafeMutableBufferPointer<UInt8>) throws(ImportError) -> Int {
    while true {
      guard try window.has(1) else {
        guard isInsideFrame else { return 0 }
        throw damaged("it ends there, before the packed data does")
      }
      let packed = window.bytes
      var input = ZSTD_inBuffer(src: packed.baseAddress, size: packed.count, pos: 0)
      var output = ZSTD_outBuffer(dst: buffer.baseAddress, size: buffer.count, pos: 0)
      let result = ZSTD_decompressStream(stream, &output, &input)
      window.use(input.pos)
      if ZSTD_isError(result) != 0 {
        throw damaged(String(cString: ZSTD_getErrorName(result)))
      }
      isInsideFrame = result != 0
      if output.pos > 0 { return output.pos }
    }
  }

  private func damaged(_ reason: String) -> ImportError {
    .damagedPacking(path: path, offset: window.offset, packing: "zstd", reason: reason)
  }
}

/// The first file of a zip archive.
enum ZipArchive {
  /// Goes past the head of the first file; returns how it is packed.
  ///
  /// APPNOTE.TXT 6.3, 4.3.7: signature, version, flags, method, time, date, CRC, sizes, lengths of
  /// the name and of the extra field, and then these two.
  static func open(_ window: ByteWindow, path: String) throws(ImportError) -> any ByteStream {
    guard try window.has(30) else {
      throw .damagedPacking(
        path: path, offset: 0, packing: "zip", reason: "it ends there, inside the first head")
    }
    let head = window.bytes
    func short(_ offset: Int) -> Int { Int(head[offset]) | Int(head[offset + 1]) << 8 }
    let flags = short(6)
    let method = short(8)
    let names = short(26) + short(28)
    let stored = UInt64(short(18)) | UInt64(short(20)) << 16
    window.use(30)
    guard try window.has(names) else {
      throw .damagedPacking(
        path: path, offset: window.offset, packing: "zip",
        reason: "it ends there, inside the name of the first file")
    }
    window.use(names)
    guard flags & 1 == 0 else {
      throw .damagedPacking(
        path: path, offset: 0, packing: "zip", reason: "the first file is encrypted")
    }
    switch method {
    case 8: return try DeflateStream(window, path: path, packing: "zip", isGzip: false)
    case 0 where flags & 8 == 0: return StoredStream(window, count: stored)
    default:
      throw .damagedPacking(
        path: path, offset: 0, packing: "zip",
        reason: "the first file is packed by method \(method); unzip it first")
    }
  }
}

/// So many bytes of a window, as they are.
final class StoredStream: ByteStream {
  private let window: ByteWindow
  private var rest: UInt64

  init(_ window: ByteWindow, count: UInt64) {
    self.window = window
    rest = count
  }

  func read(into buffer: UnsafeMutableBufferPointer<UInt8>) throws(ImportError) -> Int {
    guard rest > 0, try window.has(1) else { return 0 }
    let count = min(buffer.count, window.bytes.count, Int(min(rest, 1 << 30)))
    _ = buffer.update(fromContentsOf: window.bytes[..<count])
    window.use(count)
    rest -= UInt64(count)
    return count
  }
}
