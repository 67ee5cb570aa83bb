// What an import brought in, what it left out, and why.

/// Why a line or record of the source is not in the trace.
public enum SkipReason: String, CaseIterable, Sendable {
  /// It is not what the format has; a request may be lost with it.
  case malformed
  /// It is longer than any line of the format.
  case tooLong
  /// A number in it is larger than anything that it can mean.
  case outOfRange
  /// It frees or resizes a block that the source has not named before, or has freed.
  case unknownBlock
  /// It begins a block under a name that another living block has.
  case takenName
  /// It is about a process other than the one that is imported.
  case otherProcess
  /// A call that has begun, and whose end is not in the source.
  case unfinished
  /// A request that the allocator refused, or that asked for nothing (`free(NULL)`).
  case withoutEffect
  /// A block whose address the source does not tell.
  case hiddenAddress
  /// It is about something that an import does not need: figures, marks, threads that end.
  case aside
  /// It is the output of something else, between the lines of the format.
  case otherOutput

  /// What it means, in words, behind a number of lines.
  public var explanation: String {
    switch self {
    case .malformed: "could not be understood"
    case .tooLong: "are too long"
    case .outOfRange: "have a number that is too large"
    case .unknownBlock: "are about blocks that are not known"
    case .takenName: "begin a block whose name another one has"
    case .otherProcess: "are about other processes"
    case .unfinished: "are calls whose end is missing"
    case .withoutEffect: "are requests without effect (refused, or free of nothing)"
    case .hiddenAddress: "are blocks whose address is not told"
    case .aside: "are about other things than requests"
    case .otherOutput: "are other output"
    }
  }

  /// Whether a request is lost with such a line.
  public var losesRequest: Bool {
    switch self {
    case .malformed, .tooLong, .outOfRange, .unknownBlock, .takenName, .unfinished, .hiddenAddress:
      true
    case .otherProcess, .withoutEffect, .aside, .otherOutput: false
    }
  }
}

/// What an import brought in.
public struct ImportSummary: Sendable, Equatable {
  /// The format, as named or as guessed.
  public var format: ImportFormat
  /// What the source knows.
  public var knowledge = SourceKnowledge()
  /// Allocations in the trace.
  public var allocations: UInt64 = 0
  /// Frees in the trace.
  public var frees: UInt64 = 0
  /// Reallocations in the trace.
  public var reallocations: UInt64 = 0
  /// Lines or records of the source.
  public var lines: UInt64 = 0
  /// How many of them are not in the trace, by reason.
  public var skipped: [SkipReason: UInt64] = [:]
  /// The first lines of those with which a request is lost: number and reason, at most five of each
  /// reason.
  public var firstSkipped: [SkippedLine] = []
  /// Requests that are lost.
  public var lostEvents: UInt64 = 0
  /// What the user should know about this source.
  public var notes: [String] = []
  /// Why the source ends before its end; what came before is in the trace.
  public var damage: ImportError?

  init(format: ImportFormat) { self.format = format }

  /// Allocations, frees and reallocations.
  public var events: UInt64 { allocations + frees + reallocations }
}

/// A line that is not in the trace.
public struct SkippedLine: Sendable, Equatable {
  /// The number of the line, from 1 on; of a binary format, the byte at which the record begins.
  public var line: UInt64
  /// Why it is not.
  public var reason: SkipReason

  init(_ line: UInt64, _ reason: SkipReason) {
    self.line = line
    self.reason = reason
  }
}
