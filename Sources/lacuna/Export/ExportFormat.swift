// The formats that a trace can be exported to.

import ArgumentParser

/// A format of `lacuna export`.
enum ExportFormat: String, CaseIterable, ExpressibleByArgument {
  case pprof, folded, speedscope, callgrind, dhat, massif, chrome, sqlite, csv, ndjson, minimalloc

  /// One line for the help.
  var summary: String {
    switch self {
    case .pprof: "heap profile for go tool pprof, Pyroscope, Parca, Perfetto"
    case .folded: "folded stacks for flamegraph.pl, inferno, speedscope"
    case .speedscope: "speedscope.app: live and allocated bytes and blocks in one file"
    case .callgrind: "call graph for KCachegrind, callgrind_annotate, gprof2dot"
    case .dhat: "lifetimes for valgrind's dh_view.html and Firefox Profiler"
    case .massif: "the heap over time for ms_print and massif-visualizer"
    case .chrome: "counters over time for the Perfetto UI and chrome://tracing"
    case .sqlite: "a database of everything: events, blocks, stacks, holes, views"
    case .csv: "comma-separated tables: events, blocks, holes, series, stacks"
    case .ndjson: "the same tables, one JSON object a line"
    case .minimalloc: "lifetimes as a problem for google/minimalloc"
    }
  }

  /// Whether a terminal cannot show it.
  var isBinary: Bool { self == .pprof || self == .sqlite }

  /// Whether it is one of tables.
  var isTable: Bool { self == .csv || self == .ndjson }

  /// How it takes the moments of `--at`.
  var takesMoments: MomentUse {
    switch self {
    case .pprof, .folded, .callgrind: .aFileEach
    case .speedscope, .sqlite, .csv, .ndjson: .oneFile
    case .dhat, .massif, .chrome, .minimalloc: .never
    }
  }

  enum MomentUse {
    case aFileEach, oneFile, never
  }

  /// How many moments of figures over time it has where nobody says; nil where it has none.
  func usualPoints(_ table: ExportedTable) -> Int? {
    switch self {
    case .massif: 100
    case .chrome, .sqlite: 400
    case .csv, .ndjson: table == .series ? 400 : nil
    default: nil
    }
  }

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

  /// Whether it speaks of chosen moments.
  var takesMoments: Bool { self == .holes }

  /// Whether it tells what lies between blocks.
  var needsWholeHeap: Bool { self == .holes || self == .series }
}
