// `lacuna info --json`: the moments that the program named, and the functions that it called.

public import Analysis
import MemoryUnits
public import Trace

/// What `lacuna info --entry-points` adds.
public struct CallFigures {
  /// Calls by function.
  public var counts: [(entry: EntryPoint, calls: UInt64)]
  /// Blocks that the wrong function released.
  public var wrongReleases: [WrongRelease]

  /// Takes all calls of a trace together.
  public init(of trace: TraceFile, slice: TraceSlice? = nil) throws {
    let census = try EntryPointCensus(of: trace, slice: slice)
    counts = census.counts
    wrongReleases = census.wrongReleases(in: trace)
  }

  /// Figures as they are.
  public init(counts: [(entry: EntryPoint, calls: UInt64)], wrongReleases: [WrongRelease]) {
    self.counts = counts
    self.wrongReleases = wrongReleases
  }

  var members: [String: JSONValue] {
    [
      "entryPoints": .object(
        Dictionary(uniqueKeysWithValues: counts.map { ($0.entry.name, .unsigned($0.calls)) })),
      "wrongReleases": .array(
        wrongReleases.map {
          .object([
            "allocation": .string($0.allocation.name), "release": .string($0.release.name),
            "blocks": .unsigned($0.blocks), "function": .string($0.frame.function),
            "module": .string($0.frame.module),
          ])
        }),
    ]
  }
}

extension MarkDescription {
  var json: JSONValue {
    .object([
      "name": .string(name), "seconds": JSONValue(time), "thread": JSONValue(Int(thread.rawValue)),
    ])
  }
}
