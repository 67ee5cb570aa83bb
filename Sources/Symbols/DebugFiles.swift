// Finds the half of an ELF file that holds its debug symbols.

import CElf
import Glibc

/// The places where distributions keep debug symbols apart from the files that they belong to.
struct DebugFiles {
  /// Directories like `/usr/lib/debug`.
  var directories: [String]

  /// The debug file of a build id: `DIRECTORY/.build-id/xx/yyyy.debug`.
  ///
  /// Nil where there is none with that very id.
  func image(buildID: [UInt8]) -> ElfImage? {
    guard buildID.count > 1 else { return nil }
    let name = Self.hexadecimal(buildID.prefix(1)) + "/" + Self.hexadecimal(buildID.dropFirst())
    for directory in directories {
      if let image = try? ElfImage(path: "\(directory)/.build-id/\(name).debug"),
        image.buildID == buildID
      {
        return image
      }
    }
    return nil
  }

  /// The debug file that belongs to the file at `path`, by build id or by the name that the file
  /// itself gives (`.gnu_debuglink`).
  func image(of main: ElfImage, at path: String) -> ElfImage? {
    if let image = image(buildID: main.buildID) { return image }
    guard let section = main.sections.first(where: { $0.name == ".gnu_debuglink" }),
      section.byteCount <= 4096,
      let link = Self.link(main.bytes(of: section))
    else { return nil }
    let parent = path.utf8.lastIndex(of: UInt8(ascii: "/")).map { String(path[..<$0]) } ?? "."
    let places = [parent, parent + "/.debug"] + directories.map { $0 + parent }
    for place in places {
      let candidate = place + "/" + link.name
      guard candidate != path, let image = try? ElfImage(path: candidate) else { continue }
      let belongs =
        main.buildID.isEmpty
        ? Self.checksum(ofFileAt: candidate) == link.checksum : image.buildID == main.buildID
      if belongs { return image }
    }
    return nil
  }

  /// A file name, NUL, padding to a multiple of four, and the CRC-32 of the debug file.
  private static func link(_ bytes: [UInt8]) -> (name: String, checksum: UInt32)? {
    guard let end = bytes.firstIndex(of: 0), end > 0 else { return nil }
    let name = String(decoding: bytes[..<end], as: UTF8.self)
    let checksum = (end + 4) & ~3
    guard !name.utf8.contains(UInt8(ascii: "/")), name != ".", name != "..",
      checksum + 4 <= bytes.count
    else { return nil }
    var value: UInt32 = 0
    for byte in bytes[checksum..<checksum + 4].reversed() { value = value << 8 | UInt32(byte) }
    return (name, value)
  }

  /// The CRC-32 (IEEE 802.3) of a file; nil where it cannot be read.
  static func checksum(ofFileAt path: String) -> UInt32? {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    let table = (0..<256).map { (byte: UInt32) -> UInt32 in
      var sum = byte
      for _ in 0..<8 { sum = sum & 1 == 0 ? sum >> 1 : (sum >> 1) ^ 0xedb8_8320 }
      return sum
    }
    var sum = UInt32.max
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      let count = read(descriptor, &buffer, buffer.count)
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else { return nil }
      if count == 0 { return ~sum }
      for byte in buffer[..<count] {
        sum = (sum >> 8) ^ table[Int(UInt8(truncatingIfNeeded: sum) ^ byte)]
      }
    }
  }

  static func hexadecimal(_ bytes: some Sequence<UInt8>) -> String {
    bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
  }
}
