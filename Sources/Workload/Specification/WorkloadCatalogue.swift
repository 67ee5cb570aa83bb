// The workloads that there are, with all their settings, for help texts and for the parser.

public import Allocators

/// Something that a specification may name, with its settings.
public struct WorkloadDescription: Hashable, Sendable {
  /// As it is written.
  public let name: String
  /// What it does, in a phrase.
  public let summary: String
  /// In the order of the canonical form.
  public let parameters: [ParameterDescription]
}

/// All workloads, and what their settings may be made of.
public enum WorkloadCatalogue {
  /// The workloads, in the order in which help shows them.
  public static let workloads: [WorkloadDescription] =
    WorkloadShape.allCases.map { shape in
      WorkloadDescription(
        name: shape.rawValue, summary: summary(shape),
        parameters: shape == .peaks ? synthetic + ofPeaks : synthetic)
    } + [robson]

  /// What `sizes` may be; several of them with weights make a mixture.
  public static let distributions: [WorkloadDescription] = [
    WorkloadDescription(
      name: "constant", summary: "always the same size", parameters: [size("size", "the size")]),
    WorkloadDescription(
      name: "uniform", summary: "each size of a range as likely as any other", parameters: range),
    WorkloadDescription(
      name: "log-uniform", summary: "as many blocks from 16 to 32 bytes as from 1 to 2 MiB",
      parameters: range),
    WorkloadDescription(
      name: "exponential", summary: "many small blocks, few large ones",
      parameters: [size("mean", "the mean size")]),
    WorkloadDescription(
      name: "normal", summary: "sizes around a mean",
      parameters: [size("mean", "the mean size"), size("deviation", "the standard deviation")]),
    WorkloadDescription(
      name: "empirical", summary: "sizes with their rates and live counts, from a table",
      parameters: [
        ParameterDescription(
          name: "file", values: "<path>", defaultValue: "",
          help: "lines of size, allocation rate and, optionally, live count, as fleetbench has them"
        )
      ]),
  ]

  /// What `lifetimes` may be.
  public static let lifetimes: [WorkloadDescription] = [
    WorkloadDescription(
      name: "exponential", summary: "any live block is freed, each as likely as any other",
      parameters: []),
    WorkloadDescription(name: "fifo", summary: "the oldest block is freed", parameters: []),
    WorkloadDescription(name: "lifo", summary: "the youngest block is freed", parameters: []),
    WorkloadDescription(
      name: "phases", summary: "blocks that were allocated in one phase are freed together",
      parameters: [
        ParameterDescription(
          name: "length", values: "<count>", defaultValue: "\(WorkloadLifetimes.phaseLength)",
          help: "allocations of a phase")
      ]),
    WorkloadDescription(
      name: "empirical",
      summary: "lifetimes by size, from the live counts of the file of sizes=empirical(...)",
      parameters: []),
  ]

  /// The workload of exactly this name.
  public static func workload(named name: String) -> WorkloadDescription? {
    workloads.first { $0.name == name }
  }

  private static func summary(_ shape: WorkloadShape) -> String {
    switch shape {
    case .plateau: "live bytes rise to a target and stay there"
    case .ramp: "live bytes rise evenly, and reach the target at the end"
    case .peaks: "live bytes rise to the target and fall again, several times"
    }
  }

  private static let synthetic: [ParameterDescription] = {
    let texts = WorkloadKind.synthetic(.plateau, SyntheticParameters()).texts
    return [
      ("events", "<count up to 10^12>", "allocations, frees and reallocations"),
      ("live", "<bytes up to 64T>", "the target of live bytes"),
      ("sizes", "<distribution>|<weight>*<distribution>+...", "how large blocks are"),
      (
        "lifetimes", "exponential|fifo|lifo|phases(length=<count>)|empirical",
        "which block is freed"
      ),
      ("threads", "<count up to 4096>", "threads that make the requests"),
      ("remote", "<percent>", "frees by another thread than the one that allocated"),
      (
        "reallocations", "<percent>",
        "events that resize a block, which gets a size of its own anew"
      ),
    ].map { ParameterDescription($0, $1, texts[$0] ?? "", $2) }
  }()

  private static let ofPeaks: [ParameterDescription] = {
    let texts = WorkloadKind.synthetic(.peaks, SyntheticParameters()).texts
    return [
      ("peaks", "<count up to 10^6>", "how often live bytes rise and fall"),
      ("base", "<percent>", "what of the target stays between the peaks"),
    ].map { ParameterDescription($0, $1, texts[$0] ?? "", $2) }
  }()

  private static let robson: WorkloadDescription = {
    let texts = WorkloadKind.robson(RobsonParameters()).texts
    let parameters = [
      ("live", "<units from 1 to 2^22>", "units that live at most"),
      ("largest", "<power of two up to live>", "units of the largest block"),
      ("unit", "<power of two up to 1M>", "bytes of a unit"),
      ("against", "<heap>", "the heap that it plays against, as replay --list-allocators has them"),
    ].map { ParameterDescription($0, $1, texts[$0] ?? "", $2) }
    return WorkloadDescription(
      name: "robson",
      summary:
        "Robson's adversary (JACM 1971, 1974): makes a heap that moves no block need the most",
      parameters: parameters)
  }()

  private static let range = [
    size("from", "the smallest size"), size("to", "the largest size"),
  ]

  private static func size(_ name: String, _ help: String) -> ParameterDescription {
    ParameterDescription(name, "<bytes from 1 to 1T>", "", help)
  }
}

extension ParameterDescription {
  init(_ name: String, _ values: String, _ defaultValue: String, _ help: String) {
    self.init(name: name, values: values, defaultValue: defaultValue, help: help)
  }
}
