// The traces of one recording that followed children, found beside each other.

import Glibc

/// A process of a family, as its trace describes it.
public struct FamilyMember: Sendable, Equatable {
  /// The file name of the trace, without directories.
  public var trace: String
  /// Where the trace comes from.
  public var metadata: TraceMetadata

  /// Describes a member.
  public init(trace: String, metadata: TraceMetadata) {
    self.trace = trace
    self.metadata = metadata
  }
}

/// The traces of all processes of a recording, as far as they lie in one directory.
public struct TraceFamily: Sendable, Equatable {
  /// The first process, then the others in the order in which they began.
  public var members: [FamilyMember]
  /// The trace that was asked for.
  public var current: String

  /// A family of these members, seen from one of them.
  public init(members: [FamilyMember], current: String) {
    self.members = members
    self.current = current
  }

  /// Looks for the family of a trace among the files beside it.
  ///
  /// Files belong to it that are called like the first process's trace, with something before the
  /// extension, and were written by the same recording. Of each, only what says where it comes
  /// from is read. Returns nil where the trace is not one of several.
  /// - Complexity: O(files in the directory + chunks of the members).
  public init?(of path: String, metadata: TraceMetadata) {
    guard !metadata.recordingID.isEmpty, !metadata.rootTrace.isEmpty else { return nil }
    let name = path.split(separator: "/").last.map(String.init) ?? path
    let directory = String(path.dropLast(name.count))
    var found = [FamilyMember(trace: name, metadata: metadata)]
    for other in Self.names(in: directory, like: metadata.rootTrace) where other != name {
      guard let its = TraceMetadata(ofTrace: directory + other),
        its.recordingID == metadata.recordingID
      else { continue }
      found.append(FamilyMember(trace: other, metadata: its))
    }
    members = found.sorted {
      let isRoot = ($0.isRoot, $1.isRoot)
      guard isRoot.0 == isRoot.1 else { return isRoot.0 }
      return ($0.metadata.startedAt, $0.trace) < ($1.metadata.startedAt, $1.trace)
    }
    current = name
  }

  /// The trace's own process.
  public var own: FamilyMember? { members.first { $0.trace == current } }

  /// The process that started this one, if its trace is here.
  public var parent: FamilyMember? {
    guard let own, !own.metadata.parentTrace.isEmpty else { return nil }
    return members.first { $0.trace == own.metadata.parentTrace }
  }

  /// The processes that this one started.
  public var children: [FamilyMember] {
    members.filter { $0.metadata.parentTrace == current && $0.trace != current }
  }

  /// The files in a directory whose names begin and end like the root's.
  private static func names(in directory: String, like root: String) -> [String] {
    var stem = root[...]
    var suffix: Substring = ""
    if let dot = root.lastIndex(of: "."), dot > root.startIndex {
      stem = root[..<dot]
      suffix = root[dot...]
    }
    guard let stream = opendir(directory.isEmpty ? "." : directory) else { return [] }
    defer { closedir(stream) }
    var names: [String] = []
    while let entry = readdir(stream) {
      let name = withUnsafeBytes(of: entry.pointee.d_name) { bytes in
        String(decoding: bytes.prefix(while: { $0 != 0 }), as: UTF8.self)
      }
      if name == root || (name.hasPrefix(stem + ".") && name.hasSuffix(suffix)) {
        names.append(name)
      }
    }
    return names
  }
}

extension FamilyMember {
  fileprivate var isRoot: Bool { trace == metadata.rootTrace }
}

extension TraceMetadata {
  /// Reads where a trace comes from, and nothing else; nil where that is not there, or damaged.
  ///
  /// - Complexity: O(chunks of the file): only their heads are read.
  public init?(ofTrace path: String) {
    guard let file = try? FileBytes(path: path) else { return nil }
    let payload = ChunkPayload(file)
    var found: TraceMetadata?
    var position = TraceFormat.fileHeaderBytes
    var head = InlineArray<8, UInt64>(repeating: 0)
    while position + TraceFormat.chunkHeaderBytes <= file.count {
      let header = withUnsafeMutableBytes(of: &head) { bytes -> ChunkHeader? in
        guard let base = bytes.baseAddress,
          (try? file.read(TraceFormat.chunkHeaderBytes, at: position, into: base)) != nil
        else { return nil }
        return ChunkHeader(base)
      }
      guard let header else { break }
      let chunk = FoundChunk(offset: position, header: header)
      position = chunk.payload.upperBound
      guard chunk.kind == .metadata, header.isUnderstood, position <= file.count,
        (try? payload.load(chunk, addresses: false) == nil) == true
      else { continue }
      found = TraceMetadata(json: payload.section(.body)) ?? found
    }
    guard let found else { return nil }
    self = found
  }
}
