// What a sampled trace tells, for scripts: estimates beside the keys that say what is known.

public import Analysis
import MemoryUnits
public import Trace

/// The reporting commands with `--json`, for traces that have the blocks of some regions only.
///
/// The key `sample` marks them; full traces do not have it.
///
/// An estimate is an object of `value`, and of `low` and `high`, between which the truth is in 95 of
/// 100 samples; both are null where too few regions tell.
public enum SampleJSON {
  /// What `info --json` has, with `estimates`.
  ///
  /// Counts of events and the size of the file are of what was recorded. What would be wrong for
  /// the program is null: the peak and what lives at the end, which `estimates` has.
  public static func info(
    _ story: SampledStory, details: TraceDetails = TraceDetails()
  ) throws -> String {
    let members = infoMembers(story).merging(details.members) { _, new in new }
    return try JSONValue.document(members, span: story.span).text()
  }

  /// `trace` (what `info --json` has), `atPeak`, `atEnd` and `course`.
  public static func report(_ story: SampledStory) throws -> String {
    try JSONValue.document(
      [
        "atEnd": .object(members(story.atEnd, withSites: true)),
        "atPeak": .object(members(story.atPeak, withSites: true)),
        "course": .array(story.course.map { .object(members($0, withSites: false)) }),
        "name": .string(story.traceName),
        "sample": sample(story.sampling),
        "trace": .object(infoMembers(story)),
      ], span: story.span
    ).text()
  }

  /// What `pins --json` has, estimated and rounded to whole bytes, with `intervals` for the totals
  /// and for each site.
  ///
  /// The shares of the sites sum to the total but for rounding, and for estimates that came out
  /// below zero and are shown as 0.
  public static func pins(
    _ moment: SampledMoment, _ sampling: RegionSampling, span: TraceSpan? = nil
  ) throws -> String {
    try JSONValue.document(
      [
        "freePageBytes": .integer(rounded(moment.freePageBytes)),
        "intervals": .object([
          "freePageBytes": interval(moment.freePageBytes),
          "occupiedPages": interval(moment.occupiedPages),
          "pinnedBytes": interval(moment.pinned),
        ]),
        "occupiedPages": .integer(rounded(moment.occupiedPages)),
        "pinnedBytes": .integer(rounded(moment.pinned)),
        "sample": sample(sampling),
        "sites": .array(moment.sites.map(site)),
        "timeSeconds": JSONValue(moment.time),
      ], span: span
    ).text()
  }

  // MARK: Parts

  private static func infoMembers(_ story: SampledStory) -> [String: JSONValue] {
    var members = InfoJSON.members(
      metadata: story.metadata, summary: story.summary, inventory: story.inventory)
    for key in ["peakLiveBytes", "peakLiveBlocks", "liveBytesAtEnd", "liveBlocksAtEnd"] {
      members[key] = .null
    }
    members["sample"] = sample(story.sampling)
    members["estimates"] = .object([
      "liveBlocksAtEnd": estimate(story.atEnd.blocks),
      "liveBytesAtEnd": estimate(story.atEnd.live),
      "placements": estimate(story.placements),
      "releases": estimate(story.releases),
    ])
    return members
  }

  private static func sample(_ sampling: RegionSampling) -> JSONValue {
    .object([
      "denominator": JSONValue(sampling.denominator), "regionBytes": JSONValue(sampling.size),
      "seed": .unsigned(sampling.seed),
    ])
  }

  private static func estimate(_ estimate: Estimate) -> JSONValue {
    .object([
      "high": JSONValue(estimate.interval?.upperBound),
      "low": JSONValue(estimate.interval?.lowerBound),
      "value": .number(estimate.value),
    ])
  }

  private static func interval(_ estimate: Estimate) -> JSONValue {
    guard let interval = estimate.interval else { return .null }
    return .array([.number(interval.lowerBound), .number(interval.upperBound)])
  }

  private static func rounded(_ estimate: Estimate) -> Int64 {
    ByteCount(clamping: max(0, estimate.value)).rawValue
  }

  private static func members(
    _ moment: SampledMoment, withSites: Bool
  ) -> [String: JSONValue] {
    func holes(_ holes: SampledHoles) -> JSONValue {
      .object([
        "bytes": estimate(holes.bytes), "count": estimate(holes.count),
        "fromBytes": JSONValue(holes.shortest),
      ])
    }
    var members: [String: JSONValue] = [
      "dataSegmentBytes": JSONValue(moment.dataSegment),
      "freeBytes": estimate(moment.free),
      "freePageBytes": estimate(moment.freePageBytes),
      "grantedBytes": estimate(moment.granted),
      "heldBytes": estimate(moment.held),
      "holeBytes": estimate(moment.holeBytes),
      "holeSizes": .array(moment.holeSizes.map(holes)),
      "holes": estimate(moment.holes),
      "largestHoleSeenBytes": JSONValue(moment.largestHoleSeen),
      "liveBlocks": estimate(moment.blocks),
      "liveBytes": estimate(moment.live),
      "longHoles": holes(moment.longHoles),
      "occupiedPages": estimate(moment.occupiedPages),
      "pinnedBytes": estimate(moment.pinned),
      "sampledRegions": JSONValue(moment.regions),
      "timeSeconds": JSONValue(moment.time),
      "unsureFreeBytes": estimate(moment.unsure),
    ]
    guard withSites else { return members }
    members["sites"] = .array(
      moment.sites.map { site in
        .object(
          place(site).merging([
            "blocks": estimate(site.blocks), "liveBytes": estimate(site.live),
            "pinnedBytes": estimate(site.pinned), "soleBytes": estimate(site.sole),
          ]) { $1 })
      })
    return members
  }

  private static func site(_ site: SampledSite) -> JSONValue {
    .object(
      place(site).merging([
        "blocks": .integer(rounded(site.blocks)),
        "intervals": .object([
          "blocks": interval(site.blocks), "liveBytes": interval(site.live),
          "pinnedBytes": interval(site.pinned), "soleBytes": interval(site.sole),
        ]),
        "liveBytes": .integer(rounded(site.live)),
        "pinnedBytes": .integer(rounded(site.pinned)),
        "soleBytes": .integer(rounded(site.sole)),
      ]) { $1 })
  }

  private static func place(_ site: SampledSite) -> [String: JSONValue] {
    [
      "file": site.frame.file.map { .string($0) } ?? .null,
      "function": .string(site.frame.function),
      "line": site.frame.line.map { JSONValue($0) } ?? .null,
      "module": .string(site.frame.module),
      "sampledRegions": JSONValue(site.regions),
      "stack": JSONValue(site.stack.map(\.function)),
    ]
  }
}
