// JSON as a value, and its one way to bytes.

import Analysis
import FoundationEssentials
import MemoryUnits
import Trace

/// A JSON document, or a part of one.
enum JSONValue: Encodable, Equatable {
  case null
  case bool(Bool)
  case integer(Int64)
  case unsigned(UInt64)
  /// Written as `null` unless finite: JSON knows no infinity.
  case number(Double)
  case string(String)
  case array([JSONValue])
  case object([String: JSONValue])

  init(_ value: ByteCount) { self = .integer(value.rawValue) }
  init(_ value: Int) { self = .integer(Int64(value)) }
  init(_ value: Double?) { self = value.map { .number($0) } ?? .null }

  /// A moment, in seconds since recording began.
  init(_ value: Timestamp) { self = .number(value.seconds) }

  /// A moment in seconds; null where the trace has no times and the moment is a number of steps.
  static func seconds(_ moment: Timestamp, countsSteps: Bool) -> JSONValue {
    countsSteps ? .null : JSONValue(moment)
  }

  /// The number of steps done at a moment; null where the trace has times.
  static func step(_ moment: Timestamp, countsSteps: Bool) -> JSONValue {
    countsSteps ? .unsigned(moment.nanoseconds) : .null
  }

  init(_ values: [String]) { self = .array(values.map { .string($0) }) }

  func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    switch self {
    case .null: try container.encodeNil()
    case .bool(let value): try container.encode(value)
    case .integer(let value): try container.encode(value)
    case .unsigned(let value): try container.encode(value)
    case .number(let value) where value.isFinite: try container.encode(value)
    case .number: try container.encodeNil()
    case .string(let value): try container.encode(value)
    case .array(let values): try container.encode(values)
    case .object(let members): try container.encode(members)
    }
  }

  /// The document as text: pretty printed, keys sorted, so that equal figures give equal bytes.
  func text() throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    return String(decoding: try encoder.encode(self), as: UTF8.self) + "\n"
  }

  /// Members as a whole document of schema 1, which says what part of a trace it is about.
  static func document(_ members: [String: JSONValue], span: TraceSpan? = nil) -> JSONValue {
    var members = members
    members["schema"] = .integer(1)
    if let span { members["range"] = JSONValue(span) }
    return .object(members)
  }

  /// `fromSeconds` and `toSeconds`; `fromStep` and `toStep` where a trace has no times.
  init(_ span: TraceSpan) {
    let (from, to) = (span.lowerBound, span.upperBound)
    self = .object(
      span.usesTimes
        ? [
          "fromSeconds": JSONValue(Timestamp(nanoseconds: from)),
          "toSeconds": JSONValue(Timestamp(nanoseconds: to)),
        ] : ["fromStep": .unsigned(from), "toStep": .unsigned(to)])
  }
}
