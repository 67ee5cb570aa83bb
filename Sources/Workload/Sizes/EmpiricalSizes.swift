// Distributions that were measured: files of sizes with their rates and live counts.

internal import Glibc
internal import MemoryUnits

/// What a file says of the blocks of one size.
struct EmpiricalSize: Equatable {
  var size: ByteCount
  /// How often blocks of this size begin, in any unit that is the same for all sizes.
  var rate: Double
  /// How many of them live at a time; nil where the file does not say.
  var live: Double?
}

/// Sizes with weights, read from a file of the format that Google's fleetbench publishes: each line is
/// `size, allocation rate, live count`; the live count may be missing.
///
/// Empty lines, lines that begin with `#` and a first line of names are passed over.
struct EmpiricalSizes: Equatable {
  /// Larger files are refused.
  static let mostBytes = 64 << 20

  private(set) var rows: [EmpiricalSize] = []

  /// Reads a file.
  init(path: String) throws(WorkloadError) {
    try self.init(parsing: Self.contents(of: path), path: path)
  }

  /// Reads the text of a file of that name.
  init(parsing text: String, path: String) throws(WorkloadError) {
    var number = 0
    var mayBeTitle = true
    for line in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline) {
      number += 1
      let line = line.drop { $0 == " " || $0 == "\t" }
      if line.isEmpty || line.first == "#" { continue }
      defer { mayBeTitle = false }
      guard let row = Self.row(line) else {
        if mayBeTitle, line.first?.isNumber == false { continue }
        throw .badTable(
          path: path, line: number,
          "expected a size from 1 to 1T, its rate and, optionally, its live count")
      }
      if row.rate > 0 { rows.append(row) }
    }
    if rows.isEmpty { throw .badTable(path: path, line: number, "there is no size with a rate") }
  }

  /// Whether it says how long blocks live.
  var knowsLifetimes: Bool { rows.allSatisfy { $0.live.map { $0 > 0 } ?? false } }

  private static func row(_ line: Substring) -> EmpiricalSize? {
    let numbers = line.split(separator: ",", omittingEmptySubsequences: false).map { part in
      Double(part.filter { !$0.isWhitespace })
    }
    guard numbers.count == 2 || numbers.count == 3, numbers.allSatisfy({ $0?.isFinite ?? false }),
      let size = numbers[0], let rate = numbers[1], size >= 1,
      size <= Double(SizeDistribution.largest.rawValue), rate >= 0, rate < 1e300,
      numbers.count == 2 || (numbers[2] ?? -1) >= 0
    else { return nil }
    return EmpiricalSize(
      size: ByteCount(Int64(size)), rate: rate, live: numbers.count == 3 ? numbers[2] : nil)
  }

  private static func contents(of path: String) throws(WorkloadError) -> String {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else { throw .cannotRead(path: path, errno) }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw .cannotRead(path: path, errno) }
    guard status.st_mode & S_IFMT == S_IFREG else {
      throw .cannotRead(path: path, status.st_mode & S_IFMT == S_IFDIR ? EISDIR : EINVAL)
    }
    guard status.st_size <= mostBytes else { throw .cannotRead(path: path, EFBIG) }
    var bytes = [UInt8](repeating: 0, count: Int(status.st_size))
    var done = 0
    while done < bytes.count {
      let got = bytes.withUnsafeMutableBytes { buffer in
        read(descriptor, buffer.baseAddress.map { $0 + done }, buffer.count - done)
      }
      if got < 0, errno == EINTR { continue }
      guard got >= 0 else { throw .cannotRead(path: path, errno) }
      if got == 0 { break }
      done += got
    }
    return String(decoding: bytes[..<done], as: UTF8.self)
  }
}
