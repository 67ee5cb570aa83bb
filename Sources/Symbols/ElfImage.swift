// An ELF file, read through libelf with every size and offset checked.

import CElf
import Glibc

/// Why a file could not be read as ELF.
public enum ElfError: Error, Hashable, Sendable {
  case missing
  /// The system's reason, as an `errno`.
  case unreadable(Int32)
  /// A directory, a device, a pipe.
  case notAFile
  case notElf
  /// The header is damaged.
  case damaged
}

extension ElfError: CustomStringConvertible {
  /// The reason as a clause of a sentence.
  public var description: String {
    switch self {
    case .missing: "the file does not exist"
    case .unreadable(let code): "the file cannot be read: " + String(cString: strerror(code))
    case .notAFile: "it is not a regular file"
    case .notElf: "it is not an ELF file"
    case .damaged: "its ELF header is damaged"
    }
  }
}

/// An open ELF file.
///
/// Nothing in it is trusted: what lies outside the file reads as absent.
public final class ElfImage {
  /// A section header.
  struct Section {
    var index: Int
    var name: String
    var type: UInt32
    var flags: UInt64
    var address: UInt64
    var byteCount: UInt64
    /// The index of the section that this one refers to: for symbols, their names.
    var link: Int
  }

  /// A program header.
  struct Segment {
    var type: UInt32
    var offset: UInt64
    var fileByteCount: UInt64
    var alignment: UInt64
  }

  /// Larger tables are taken for damage: the largest browsers have less than half of this.
  private static let largestTable: UInt64 = 1 << 28
  private static let largestNote: UInt64 = 1 << 20
  private static let mostSections = 1 << 20

  private let descriptor: Int32
  private let elf: OpaquePointer
  let header: GElf_Ehdr

  /// Opens the file at `path`; its contents are read when they are asked for.
  public init(path: String) throws(ElfError) {
    // A pipe in place of the file must not make the open wait.
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)
    guard descriptor >= 0 else {
      throw errno == ENOENT || errno == ENOTDIR ? .missing : .unreadable(errno)
    }
    var status = stat()
    guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
      close(descriptor)
      throw .notAFile
    }
    _ = elf_version(UInt32(EV_CURRENT))
    guard let elf = elf_begin(descriptor, ELF_C_READ, nil) else {
      close(descriptor)
      throw .notElf
    }
    var header = GElf_Ehdr()
    guard elf_kind(elf) == ELF_K_ELF, gelf_getehdr(elf, &header) != nil else {
      let kind = elf_kind(elf)
      elf_end(elf)
      close(descriptor)
      throw kind == ELF_K_ELF ? .damaged : .notElf
    }
    self.descriptor = descriptor
    self.elf = elf
    self.header = header
  }

  deinit {
    elf_end(elf)
    close(descriptor)
  }

  /// All section headers that can be read, without the empty one at the front.
  ///
  /// - Complexity: O(number of sections)
  private(set) lazy var sections: [Section] = {
    var names = 0
    let hasNames = elf_getshdrstrndx(elf, &names) == 0
    var found: [Section] = []
    var current = elf_nextscn(elf, nil)
    while let section = current, found.count < Self.mostSections {
      var raw = GElf_Shdr()
      if gelf_getshdr(section, &raw) != nil {
        let name = hasNames ? elf_strptr(elf, names, Int(raw.sh_name)) : nil
        found.append(
          Section(
            index: elf_ndxscn(section), name: name.map { String(cString: $0) } ?? "",
            type: raw.sh_type, flags: raw.sh_flags, address: raw.sh_addr, byteCount: raw.sh_size,
            link: Int(raw.sh_link)))
      }
      current = elf_nextscn(elf, section)
    }
    return found
  }()

  /// All program headers that can be read.
  var segments: [Segment] {
    var count = 0
    guard elf_getphdrnum(elf, &count) == 0 else { return [] }
    var found: [Segment] = []
    for index in 0..<min(count, 1 << 16) {
      var raw = GElf_Phdr()
      guard gelf_getphdr(elf, Int32(index), &raw) != nil else { break }
      found.append(
        Segment(
          type: raw.p_type, offset: raw.p_offset, fileByteCount: raw.p_filesz,
          alignment: raw.p_align))
    }
    return found
  }

  /// The contents of a section as libelf decodes them; nil where they lie outside the file, take no
  /// room in it, or are absurdly large.
  ///
  /// Valid as long as the image.
  func data(of section: Section) -> UnsafeMutablePointer<Elf_Data>? {
    guard section.byteCount <= Self.largestTable, section.type != UInt32(SHT_NOBITS),
      let handle = elf_getscn(elf, section.index),
      let data = elf_getdata(handle, nil), data.pointee.d_buf != nil
    else { return nil }
    return data
  }

  /// A copy of the contents of a section, empty where ``data(of:)`` is nil.
  func bytes(of section: Section) -> [UInt8] {
    guard let data = data(of: section), let start = data.pointee.d_buf else { return [] }
    return [UInt8](UnsafeRawBufferPointer(start: start, count: data.pointee.d_size))
  }

  /// A copy of a piece of the file, empty where it does not lie within.
  func bytes(at offset: UInt64, count: UInt64) -> [UInt8] {
    guard count <= Self.largestTable, let start = Int64(exactly: offset),
      let data = elf_getdata_rawchunk(elf, start, Int(count), ELF_T_BYTE),
      let buffer = data.pointee.d_buf
    else { return [] }
    return [UInt8](UnsafeRawBufferPointer(start: buffer, count: data.pointee.d_size))
  }

  /// The GNU build id: a fingerprint of the linked file, also kept by its stripped and debug
  /// halves.
  ///
  /// Empty where there is none.
  public private(set) lazy var buildID: [UInt8] = {
    for section in sections where section.type == UInt32(SHT_NOTE) {
      guard section.byteCount <= Self.largestNote, let data = data(of: section) else { continue }
      if let found = buildID(in: data) { return found }
    }
    for segment in segments where segment.type == UInt32(PT_NOTE) {
      guard segment.fileByteCount <= Self.largestNote, let offset = Int64(exactly: segment.offset),
        let data = elf_getdata_rawchunk(
          elf, offset, Int(segment.fileByteCount),
          segment.alignment == 8 ? ELF_T_NHDR8 : ELF_T_NHDR)
      else { continue }
      if let found = buildID(in: data) { return found }
    }
    return []
  }()

  private func buildID(in notes: UnsafeMutablePointer<Elf_Data>) -> [UInt8]? {
    guard let start = notes.pointee.d_buf else { return nil }
    let bytes = UnsafeRawBufferPointer(start: start, count: notes.pointee.d_size)
    var offset = 0
    while offset < bytes.count {
      var note = GElf_Nhdr()
      var name = 0
      var value = 0
      let next = gelf_getnote(notes, offset, &note, &name, &value)
      guard next > offset else { return nil }
      offset = next
      guard note.n_type == UInt32(NT_GNU_BUILD_ID), note.n_namesz == 4,
        1...64 ~= note.n_descsz, name + 4 <= bytes.count,
        value + Int(note.n_descsz) <= bytes.count,
        bytes[name..<name + 4].elementsEqual("GNU\0".utf8)
      else { continue }
      return [UInt8](bytes[value..<value + Int(note.n_descsz)])
    }
    return nil
  }
}
