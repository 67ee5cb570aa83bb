// From the settings of a specification to the parameters of a workload.

internal import Allocators
internal import MemoryUnits

extension SyntheticParameters {
  init(_ settings: SettingValues) throws(WorkloadSpecificationError) {
    self.init()
    events = try settings.count("events", 1, 1_000_000_000_000) ?? events
    live = try settings.size("live", 1, 1 << 46) ?? live
    if let value = settings.values["sizes"] {
      sizes = try SizeDistribution(parsing: value.text, settings.place(of: value))
    }
    if let value = settings.values["lifetimes"] {
      let place = settings.place(of: value)
      lifetimes = try WorkloadLifetimes(parsing: value.text, place)
      if lifetimes == .empirical {
        guard case .empirical = sizes else {
          throw place.error("lifetimes=empirical needs sizes=empirical(file=...)", at: 0)
        }
      }
    }
    threads = try settings.count("threads", 1, 4096) ?? threads
    remote = try settings.percent("remote") ?? remote
    reallocations = try settings.percent("reallocations") ?? reallocations
    peaks = try settings.count("peaks", 1, 1_000_000) ?? peaks
    base = try settings.percent("base") ?? base
  }
}

extension RobsonParameters {
  init(_ settings: SettingValues) throws(WorkloadSpecificationError) {
    self.init()
    live = try settings.count("live", 1, 1 << 22) ?? live
    largest = try settings.count("largest", 1, live) ?? min(largest, live)
    if largest & (largest - 1) != 0 || largest > live, let value = settings.values["largest"] {
      throw settings.bad("largest", value)
    }
    while largest & (largest - 1) != 0 { largest &= largest - 1 }
    unit = try settings.size("unit", 1, 1 << 20) ?? unit
    if unit.rawValue & (unit.rawValue - 1) != 0, let value = settings.values["unit"] {
      throw settings.bad("unit", value)
    }
    guard let value = settings.values["against"] else { return }
    let place = settings.place(of: value)
    do {
      heap = try HeapSpecification(parsing: value.text)
    } catch {
      throw place.error(error.message, at: error.position)
    }
    guard AnyHeap(heap.kind) != nil else {
      throw place.error(
        "\(value.text) is made from a trace, so nothing can be played against it", at: 0)
    }
  }
}

extension WorkloadLifetimes {
  init(
    parsing text: String, _ place: SpecificationPlace
  ) throws(WorkloadSpecificationError) {
    var cursor = SpecificationCursor(text)
    let term = try WorkloadParser.term(
      &cursor, "rule of lifetimes", WorkloadCatalogue.lifetimes, place)
    cursor.skipSpaces()
    guard cursor.isAtEnd else {
      throw place.error("expected ',' or ')'", at: cursor.position)
    }
    switch term.description.name {
    case "fifo": self = .fifo
    case "lifo": self = .lifo
    case "phases":
      self = .phases(length: try term.settings.count("length", 1, 1 << 40) ?? Self.phaseLength)
    case "empirical": self = .empirical
    default: self = .exponential
    }
  }
}

extension SizeDistribution {
  /// Reads a sum of weighted distributions, or a single one.
  init(
    parsing text: String, _ place: SpecificationPlace
  ) throws(WorkloadSpecificationError) {
    var cursor = SpecificationCursor(text)
    var parts: [WeightedSizes] = []
    repeat { parts.append(try Self.part(&cursor, place)) } while cursor.take("+")
    cursor.skipSpaces()
    guard cursor.isAtEnd else {
      throw place.error("expected '+', ',' or ')'", at: cursor.position)
    }
    if parts.count == 1, let only = parts.first {
      self = only.sizes
    } else {
      self = .mixture(parts)
    }
  }

  private static func part(
    _ cursor: inout SpecificationCursor, _ place: SpecificationPlace
  ) throws(WorkloadSpecificationError) -> WeightedSizes {
    cursor.skipSpaces()
    let start = cursor.position
    var weight = 1.0
    var ahead = cursor
    let word = ahead.word(endingAt: "()=,+*/")
    if ahead.take("*") {
      guard let number = Double(word), number > 0, number <= 1e9, number >= 1e-9 else {
        throw place.error(
          "'\(SpecificationProblem.plain(word))' is no weight, which is a number from 1e-9 to 1e9",
          at: start)
      }
      weight = number
      cursor = ahead
    }
    let term = try WorkloadParser.term(
      &cursor, "distribution", WorkloadCatalogue.distributions, place)
    return WeightedSizes(weight: weight, sizes: try Self(term.settings))
  }

  private init(_ settings: SettingValues) throws(WorkloadSpecificationError) {
    switch settings.owner.name {
    case "constant": self = .constant(try settings.needed("size"))
    case "uniform":
      let (from, to) = try Self.range(settings)
      self = .uniform(from: from, to: to)
    case "log-uniform":
      let (from, to) = try Self.range(settings)
      self = .logUniform(from: from, to: to)
    case "normal":
      self = .normal(
        mean: try settings.needed("mean"), deviation: try settings.needed("deviation"))
    case "empirical":
      guard let file = settings.values["file"] else { throw settings.missing("file") }
      self = .empirical(path: file.text)
    default: self = .exponential(mean: try settings.needed("mean"))
    }
  }

  private static func range(
    _ settings: SettingValues
  ) throws(WorkloadSpecificationError) -> (ByteCount, ByteCount) {
    let from = try settings.needed("from")
    let to = try settings.needed("to")
    if to < from, let value = settings.values["to"] {
      throw settings.place.error("the range ends before it begins", at: value.position)
    }
    return (from, to)
  }
}
