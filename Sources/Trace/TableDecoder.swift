// Everything in a trace beside its steps, read from the chunks that hold it.

import MemoryUnits

/// The tables of a trace as they grow from chunk to chunk.
struct TraceTables: Sendable {
  var metadata: TraceMetadata?
  var summary: TraceSummary?
  var stacks = StackTable()
  var modules: [Module] = []
  var threads: [ThreadDescription] = []
  var samples: [ResidentSample] = []
  var snapshots = SnapshotReader()
  var marks: [MarkDescription] = []
  var names: [CodeAddress: [UInt8]] = [:]

  /// Adds what a chunk of the kind holds, as far as it is intact; returns what is wrong, or nil.
  ///
  /// At most `gap` entries may be missing before those of this chunk.
  mutating func add(_ kind: ChunkKind, _ payload: ChunkPayload, gap: Int) -> String? {
    switch kind {
    case .metadata:
      guard let read = TraceMetadata(json: payload.section(.body)) else {
        return "the metadata are no such JSON object"
      }
      metadata = read
    case .stacks:
      return stacks.add(payload, gap: gap)
    case .modules:
      return each(payload) { $0.module().map { modules.append($0) } }
    case .threads:
      return each(payload) { source in
        source.thread().flatMap { set($0.0, $0.1, gap: gap) }
      }
        ?? each(payload, .lifetimes) { source in
          source.lifetime().flatMap { setLifetime($0.0, $0.1, $0.2, gap: gap) }
        }
    case .samples:
      return each(payload) { $0.sample().map { samples.append($0) } }
    case .snapshots:
      return snapshots.add(payload)
    case .marks:
      return each(payload) { $0.mark().map { marks.append($0) } }
    case .names:
      return addNames(payload)
    case .summary:
      var source = payload.source(.body)
      var fields: [UInt64] = []
      while let field = source.fixed64() { fields.append(field) }
      guard fields.count >= 15 else { return "the totals are incomplete" }
      summary = TraceSummary(fields: fields)
    case .index:
      return payload.source(.body).isAtEnd ? "the index is empty" : nil
    case .events, .keyframe:
      break
    }
    return nil
  }

  private func each(
    _ payload: ChunkPayload, _ section: SectionID = .body, _ next: (inout ByteSource) -> Void?
  ) -> String? {
    var source = payload.source(section)
    while !source.isAtEnd {
      guard next(&source) != nil else { return "an entry is incomplete" }
    }
    return nil
  }

  /// Describes a thread, and gives those before it that nothing describes an empty description.
  private mutating func set(_ index: Int, _ thread: ThreadDescription, gap: Int) -> Void? {
    guard describe(through: index, gap: gap) else { return nil }
    threads[index].kernelID = thread.kernelID
    threads[index].name = thread.name
    return ()
  }

  private mutating func setLifetime(
    _ index: Int, _ began: Timestamp?, _ ended: Timestamp?, gap: Int
  ) -> Void? {
    guard describe(through: index, gap: gap) else { return nil }
    threads[index].began = began
    threads[index].ended = ended
    return ()
  }

  /// Makes sure that a thread has a description; false where too many would have to be made up.
  mutating func describe(through index: Int, gap: Int) -> Bool {
    guard index - threads.count <= min(gap, TraceFormat.maximumUndescribedThreads) else {
      return false
    }
    while threads.count <= index { threads.append(ThreadDescription(kernelID: 0, name: "")) }
    return true
  }
}

extension ByteSource {
  fileprivate mutating func text() -> String? {
    string().map { String(decoding: $0, as: UTF8.self) }
  }

  fileprivate mutating func module() -> Module? {
    guard let version = varint().flatMap(CodeVersion.unpack), let lower = varint(),
      let length = varint(),
      lower <= UInt64.max - length, let bias = varint(), let path = text(), let buildID = string()
    else { return nil }
    return Module(
      image: version.image, generation: version.generation,
      range: Address(lower)..<Address(lower + length), bias: bias,
      path: path, buildID: buildID)
  }

  fileprivate mutating func thread() -> (Int, ThreadDescription)? {
    guard let index = varint(), index <= UInt32.max, let kernelID = varint(), let name = text()
    else { return nil }
    return (
      Int(index),
      ThreadDescription(kernelID: Int32(truncatingIfNeeded: unzigzag(kernelID)), name: name)
    )
  }

  fileprivate mutating func lifetime() -> (Int, Timestamp?, Timestamp?)? {
    guard let index = varint(), index <= UInt32.max, let began = varint(), let ended = varint()
    else { return nil }
    func moment(_ value: UInt64) -> Timestamp? {
      value == 0 ? nil : Timestamp(nanoseconds: value - 1)
    }
    return (Int(index), moment(began), moment(ended))
  }

  fileprivate mutating func mark() -> MarkDescription? {
    guard let time = varint(), let thread = varint(), thread <= UInt32.max, let name = text()
    else { return nil }
    return MarkDescription(
      time: Timestamp(nanoseconds: time), thread: ThreadIndex(UInt32(thread)), name: name)
  }

  fileprivate mutating func sample() -> ResidentSample? {
    guard let time = varint(), let resident = varint(), let shared = varint() else { return nil }
    return ResidentSample(
      time: Timestamp(nanoseconds: time), resident: ByteCount(unzigzag(resident)),
      shared: ByteCount(unzigzag(shared)))
  }
}
