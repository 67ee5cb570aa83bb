// Unpacking the columns of chunks on a processor of its own, ahead of whoever decodes their steps.

/// The columns of one events chunk after another, unpacked.
final class ChunkColumns {
  let payload: ChunkPayload
  private(set) var blocks = BlockColumns()
  /// Where the chunk stands; nil where it is not there.
  private(set) var chunk: FoundChunk?
  /// Why it cannot be read, if it cannot.
  private(set) var problem: String?

  init(_ file: FileBytes) { payload = ChunkPayload(file) }

  deinit { blocks.deallocate() }

  /// Reads, checks and unpacks the chunk that a record tells of.
  func load(
    _ record: ChunkRecord, of file: FileBytes, addresses: Bool
  ) throws(TraceError) {
    chunk = try file.chunk(record)
    problem = nil
    guard let chunk else { return }
    guard chunk.header.isUnderstood else {
      problem = "this chunk belongs to a later version of the format"
      return
    }
    problem = try payload.load(chunk, addresses: addresses) ?? unpack(chunk.header)
  }

  private func unpack(_ header: ChunkHeader) -> String? {
    let steps = Int(header.steps)
    guard steps <= TraceFormat.stepsPerChunk else { return "it claims too many steps" }
    let operations = payload.section(.operations)
    guard operations.count == (steps + 7) / 8 else {
      return "the column of operations has a wrong length"
    }
    return blocks.load(
      payload, version: header.version, count: Self.allocatingSteps(operations, steps))
  }

  /// How many steps have the bit of those that begin blocks.
  private static func allocatingSteps(
    _ operations: UnsafeBufferPointer<UInt8>, _ steps: Int
  ) -> Int {
    var ending = 0
    for index in 0..<steps / 8 { ending += operations[index].nonzeroBitCount }
    for step in steps & ~7..<steps {
      ending += Int(operations[step >> 3] >> UInt8(step & 7) & 1)
    }
    return steps - ending
  }
}

/// A thread that unpacks the columns of chunks, and a ring of them between it and the decoder.
///
/// Three chunks are under way at most, some eight MiB.
final class LoadAhead: @unchecked Sendable {
  private static let ring = 3

  private let file: FileBytes
  private let chunks: [ChunkRecord]
  private let addresses: Bool
  private let handover = Handover(places: LoadAhead.ring)
  private let columns: [ChunkColumns]
  /// What the thread leaves behind; read after it has ended.
  private var failure: TraceError?
  private var thread: WorkerThread?

  /// Starts to unpack; nil where the system has no thread to spare.
  init?(_ file: FileBytes, _ chunks: [ChunkRecord], addresses: Bool) {
    self.file = file
    self.chunks = chunks
    self.addresses = addresses
    columns = (0..<Self.ring).map { _ in ChunkColumns(file) }
    thread = WorkerThread { [self] in run() }
    if thread == nil { return nil }
  }

  /// The columns of the next chunk, the caller's until `giveBack`; to be called once for each chunk.
  func next() throws(TraceError) -> ChunkColumns? {
    if let place = handover.placeToUse() { return columns[place] }
    if let failure { throw failure }
    return nil
  }

  func giveBack() { handover.didUse() }

  /// Ends the thread; to be called once.
  func stop() {
    handover.stop()
    thread?.join()
  }

  private func run() {
    do {
      for record in chunks {
        guard let place = handover.placeToFill() else { break }
        try columns[place].load(record, of: file, addresses: addresses)
        handover.didFill()
      }
    } catch {
      failure = error
    }
    handover.end()
  }
}
