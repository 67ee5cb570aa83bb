// Naming a workload in one string.

public import Allocators
public import MemoryUnits

/// A workload as users write it: a name with the settings that differ from the defaults in parentheses,
/// as in `plateau(live=64M,sizes=exponential(mean=300))`.
///
/// ``WorkloadCatalogue`` lists names and settings. Case, except in file names, and spaces do not matter.
/// Equal specifications have equal descriptions, and a description parses back to an equal
/// specification.
public struct WorkloadSpecification: Hashable, Sendable {
  /// Which workload, with which settings.
  public let kind: WorkloadKind

  /// The specification of this workload.
  public init(_ kind: WorkloadKind) { self.kind = kind }

  /// Reads a specification.
  ///
  /// Throws what is wrong with it and where.
  public init(parsing text: some StringProtocol) throws(WorkloadSpecificationError) {
    var parser = WorkloadParser(text)
    kind = try parser.parse()
  }

  /// The name without the settings.
  public var name: String {
    switch kind {
    case .synthetic(let shape, _): shape.rawValue
    case .robson: "robson"
    }
  }
}

/// Which workload, with which settings.
public enum WorkloadKind: Hashable, Sendable {
  case synthetic(WorkloadShape, SyntheticParameters)
  case robson(RobsonParameters)
}

/// How the live bytes of a synthetic workload go over time.
///
/// The three shapes that Wilson, Johnstone, Neely and Boles saw in real programs ("Dynamic storage
/// allocation: a survey and critical review", IWMM 1995).
public enum WorkloadShape: String, CaseIterable, Hashable, Sendable {
  /// They rise to the target at once and stay there.
  case plateau
  /// They rise evenly, and reach the target at the end.
  case ramp
  /// They rise to the target and fall again, several times.
  case peaks
}

/// Which block a synthetic workload frees when it has to free one.
public enum WorkloadLifetimes: Hashable, Sendable {
  /// Any, each as likely as any other: lifetimes are exponential.
  case exponential
  /// The oldest.
  case fifo
  /// The youngest.
  case lifo
  /// The oldest, and with it all that were allocated in the same phase of so many allocations.
  case phases(length: Int)
  /// The one whose time is up, with an exponential lifetime for each size as the file of an empirical
  /// distribution has it.
  case empirical
}

/// The settings of a synthetic workload.
public struct SyntheticParameters: Hashable, Sendable {
  /// Allocations, frees and reallocations.
  public var events = 100_000
  /// The bytes that are to live, as the shape says when.
  public var live = ByteCount(1 << 20)
  /// How large blocks are.
  public var sizes = SizeDistribution.logUniform(from: 16, to: 4096)
  /// How long blocks live.
  public var lifetimes = WorkloadLifetimes.exponential
  /// Threads that make the requests.
  public var threads = 1
  /// Of a hundred frees so many are made by another thread than the one that allocated.
  public var remote = 0
  /// Of a hundred events so many resize a block.
  public var reallocations = 0
  /// Of a shape with peaks: how many.
  public var peaks = 4
  /// Of a shape with peaks: what of a hundred bytes stays between them.
  public var base = 10

  /// The defaults.
  public init() {}
}

/// The settings of Robson's adversary.
public struct RobsonParameters: Hashable, Sendable {
  /// At most so many units live at a time.
  public var live = 256
  /// The largest block, in units; a power of two.
  public var largest = 16
  /// Bytes of a unit: what the smallest block has.
  public var unit = ByteCount(16)
  /// The heap that it plays against.
  public var heap = HeapSpecification(.fit(.firstFit, FitParameters()))

  /// The defaults.
  public init() {}
}

extension WorkloadSpecification: CustomStringConvertible {
  /// The canonical form: the name and, in the catalogue's order, the settings that are not the
  /// defaults.
  public var description: String {
    let values = kind.texts
    let settings = (WorkloadCatalogue.workload(named: name)?.parameters ?? []).compactMap {
      parameter -> String? in
      guard let value = values[parameter.name], value != parameter.defaultValue else { return nil }
      return "\(parameter.name)=\(value)"
    }
    return settings.isEmpty ? name : "\(name)(\(settings.joined(separator: ",")))"
  }
}

extension WorkloadKind {
  /// All settings in canonical form, by name.
  var texts: [String: String] {
    switch self {
    case .synthetic(_, let parameters):
      [
        "events": "\(parameters.events)", "live": SizeText.exact(parameters.live),
        "sizes": "\(parameters.sizes)", "lifetimes": "\(parameters.lifetimes)",
        "threads": "\(parameters.threads)", "remote": "\(parameters.remote)%",
        "reallocations": "\(parameters.reallocations)%", "peaks": "\(parameters.peaks)",
        "base": "\(parameters.base)%",
      ]
    case .robson(let parameters):
      [
        "live": "\(parameters.live)", "largest": "\(parameters.largest)",
        "unit": SizeText.exact(parameters.unit), "against": "\(parameters.heap)",
      ]
    }
  }
}

extension WorkloadLifetimes: CustomStringConvertible {
  /// As it is written in a specification.
  public var description: String {
    switch self {
    case .exponential: "exponential"
    case .fifo: "fifo"
    case .lifo: "lifo"
    case .phases(let length): length == Self.phaseLength ? "phases" : "phases(length=\(length))"
    case .empirical: "empirical"
    }
  }

  /// The allocations of a phase where nothing else is said.
  static var phaseLength: Int { 1000 }
}
