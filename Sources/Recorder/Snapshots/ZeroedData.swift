// Where the zeroed data of programs and libraries end, which the kernel does not tell.

import Glibc

/// Reads the program headers of mapped files: the memory behind the last page of a file's data is
/// anonymous, and the kernel joins it with whatever lies next to it.
struct ZeroedData {
  /// A part of a file that is loaded (`PT_LOAD`; System V ABI, "Program Header").
  private struct Part {
    var offset: UInt64
    var fileBytes: UInt64
    var memoryBytes: UInt64
  }

  private var known: [String: [Part]] = [:]
  /// Files that are remembered; a program has a few hundred.
  private static let maximumFiles = 4096

  /// Where the zeroed data behind a mapping of a file end; nil where it has none.
  mutating func end(behind mapping: KernelMapping) -> UInt64? {
    for part in parts(of: mapping.name) {
      let lead = part.offset & 4095
      let first = part.offset - lead
      guard part.memoryBytes > part.fileBytes, mapping.offset >= first,
        mapping.offset < first + lead + max(part.fileBytes, 1)
      else { continue }
      let (end, isTooFar) = mapping.range.lowerBound.addingReportingOverflow(
        lead + part.memoryBytes)
      let inside = mapping.offset - first
      guard !isTooFar, end > inside, end < 1 << 62 else { continue }
      return (end - inside + 4095) & ~4095
    }
    return nil
  }

  private mutating func parts(of path: String) -> [Part] {
    if let parts = known[path] { return parts }
    if known.count >= Self.maximumFiles { known.removeAll() }
    let parts = Self.read(path)
    known[path] = parts
    return parts
  }

  private static func read(_ path: String) -> [Part] {
    // Opening anything but a file might wait, or do something.
    var status = stat()
    guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return [] }
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else { return [] }
    defer { close(descriptor) }
    var header = Elf64_Ehdr()
    guard pread(descriptor, &header, MemoryLayout<Elf64_Ehdr>.size, 0) == 64,
      header.e_ident.0 == 0x7f, header.e_ident.1 == 0x45, header.e_ident.2 == 0x4c,
      header.e_ident.3 == 0x46, header.e_ident.4 == 2, header.e_phentsize == 56,
      header.e_phnum <= 128
    else { return [] }
    var entries = [Elf64_Phdr](repeating: Elf64_Phdr(), count: Int(header.e_phnum))
    let bytes = entries.count * 56
    guard pread(descriptor, &entries, bytes, off_t(truncatingIfNeeded: header.e_phoff)) == bytes
    else { return [] }
    let limit: UInt64 = 1 << 48
    return entries.compactMap { entry in
      guard entry.p_type == 1, entry.p_offset < limit, entry.p_vaddr < limit,
        entry.p_filesz < limit, entry.p_memsz < limit
      else { return nil }
      return Part(
        offset: entry.p_offset, fileBytes: entry.p_filesz,
        memoryBytes: entry.p_memsz)
    }
  }
}
