// Names of functions that a trace carries, so that it can be read where its modules are not.

/// The function that a call of a stack lies in, as the symbol table of its module names it.
public struct FunctionName: Hashable, Sendable {
  /// Where the call returns to.
  public var place: CodeAddress
  /// The name as the linker knows it, mangled, in no certain encoding.
  public var symbol: [UInt8]

  /// Names the function of a call.
  public init(place: CodeAddress, symbol: [UInt8]) {
    self.place = place
    self.symbol = symbol
  }
}

/// Names on their way into the file, in chunks that each make sense alone.
struct FunctionNameEncoder {
  /// Bytes of names after which another chunk begins, far below the limit of a section.
  private static let chunkBytes = TraceFormat.maximumSectionBytes / 4

  /// The bodies of the chunks that hold the names.
  static func bodies(of names: [FunctionName]) -> [[UInt8]] {
    let sorted = names.sorted { key($0) < key($1) }
    var bodies: [[UInt8]] = []
    var start = 0
    while start < sorted.count {
      var end = start
      var bytes = 0
      while end < sorted.count, bytes < chunkBytes {
        bytes += min(sorted[end].symbol.count, 65_535) + 16
        end += 1
      }
      bodies.append(body(of: sorted[start..<end]))
      start = end
    }
    return bodies
  }

  private static func key(_ name: FunctionName) -> (UInt64, UInt64) {
    (
      CodeVersion.pack(image: name.place.image, generation: name.place.generation),
      name.place.returnAddress
    )
  }

  private static func body(of names: ArraySlice<FunctionName>) -> [UInt8] {
    var numbers: [[UInt8]: UInt64] = [:]
    var symbols = ByteSink()
    var places = ByteSink()
    var lastVersion: UInt64 = 0
    var lastAddress: UInt64 = 0
    for name in names {
      let symbol = Array(name.symbol.prefix(65_535))
      if numbers[symbol] == nil {
        numbers[symbol] = UInt64(numbers.count)
        symbols.string(symbol)
      }
      let (version, address) = key(name)
      places.varint(version &- lastVersion)
      places.varint(zigzag(Int64(bitPattern: address &- lastAddress)))
      places.varint(numbers[symbol] ?? 0)
      (lastVersion, lastAddress) = (version, address)
    }
    var body = ByteSink()
    body.varint(UInt64(numbers.count))
    body.bytes += symbols.bytes
    body.bytes += places.bytes
    return body.bytes
  }
}

extension TraceTables {
  /// Adds the names of a chunk; returns what is wrong, or nil.
  mutating func addNames(_ payload: ChunkPayload) -> String? {
    var source = payload.source(.body)
    let problem = "the names of functions do not add up"
    guard let count = source.varint(), count <= TraceFormat.maximumSectionBytes else {
      return problem
    }
    var symbols: [[UInt8]] = []
    for _ in 0..<count {
      guard let symbol = source.string() else { return problem }
      symbols.append(symbol)
    }
    var version: UInt64 = 0
    var address: UInt64 = 0
    while !source.isAtEnd {
      guard let versions = source.varint(), let distance = source.varint(),
        let number = source.varint(), number < symbols.count
      else { return problem }
      version &+= versions
      address &+= UInt64(bitPattern: unzigzag(distance))
      guard let code = CodeVersion.unpack(version) else { return problem }
      let place = CodeAddress(
        returnAddress: address, image: code.image, generation: code.generation)
      names[place] = symbols[Int(number)]
    }
    return nil
  }
}

extension ChunkFile {
  /// Writes names of functions behind the chunk with that head.
  func write(_ names: [FunctionName], behind last: ChunkHeader) {
    var header = ChunkHeader(kind: .names)
    // Nothing else depends on them: readers of before there were any do without.
    header.flags = ChunkHeader.maySkipFlag
    header.firstStep = last.firstStep &+ UInt64(last.steps)
    header.threads = last.threads
    for body in FunctionNameEncoder.bodies(of: names) {
      body.withUnsafeBufferPointer { section(SectionID.body.rawValue, $0, .best) }
      finishChunk(header)
    }
  }
}
