// The formats that a trace can be exported to.

import ArgumentParser

/// A format of `lacuna export`.
enum ExportFormat: String, CaseIterable, ExpressibleByArgument {
  case pprof, folded, csv, ndjson

  /// One line for the help.
  var summary: String {
    switch self {
    case .pprof: "heap profile for go tool pprof, Pyroscope, Parca, Perfetto, speedscope"
    case .folded: "folded stacks for flamegraph.pl, inferno, speedscope"
    case .csv: "comma-separated tables of events, blocks, holes, series or stacks"
    case .ndjson: "the same tables, one JSON object a line"
    }
  }

  /// Whether a terminal cannot show it.
  var isBinary: Bool { self == .pprof }

  /// The list in the help.
  static var listing: String {
    allCases.map { format in
      let pad = String(repeating: " ", count: max(1, 12 - format.rawValue.count))
      return "  \(format.rawValue)\(pad)\(format.summary)"
    }.joined(separator: "\n")
  }
}

/// A table of the formats csv and ndjson.
enum ExportedTable: String, CaseIterable, ExpressibleByArgument {
  case events, blocks, holes, series, stacks
}
