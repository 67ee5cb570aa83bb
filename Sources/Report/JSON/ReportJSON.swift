// `lacuna report --json`: the whole story in one object.

public import Analysis
import MemoryUnits
import Trace

/// All that the report says, for scripts.
public enum ReportJSON {
  /// One JSON object: `trace` (what `info --json` has), `recorded` (what `replay --json` has, with
  /// its `timeline`), `pinsAtPeak` and `pinsAtEnd` (what `pins --json` has), `results` (what
  /// `compare --json` has), `samples`, `trend`, and the report's own words in `findings`.
  public static func render(_ story: Story) throws -> String {
    var recorded = ReplayJSON.members(story.recorded)
    let countsSteps = story.recorded.atEnd.countsSteps
    recorded["timeline"] = .array(
      story.recorded.timeline.map { point($0, countsSteps: countsSteps) })
    let info = InfoJSON.members(
      metadata: story.metadata, summary: story.summary, inventory: story.inventory)
    return try JSONValue.document(
      [
        "findings": findings(Findings(story)),
        "name": .string(story.traceName),
        "pinsAtEnd": .object(PinsJSON.members(story.pinsAtEnd)),
        "pinsAtPeak": .object(PinsJSON.members(story.pinsAtPeak)),
        "recorded": .object(recorded),
        "results": CompareJSON.results(story.heaps),
        "samples": .array(story.samples.map(sample)),
        "trace": .object(info),
        "trend": trend(story.recorded.timeline),
        "version": .string(story.version),
      ], span: story.span
    ).text()
  }

  private static func findings(_ findings: Findings) -> JSONValue {
    .object([
      "headline": .string(findings.headline),
      "isItGettingWorse": .string(findings.isItWorse),
      "warnings": JSONValue(findings.warnings),
      "whereDidItGo": .string(findings.whereItWent),
      "whoPinsIt": .string(findings.whoPins),
      "wouldAnotherAllocatorHelp": .string(findings.wouldAnotherHelp),
      "wouldTrimmingHelp": .string(findings.wouldTrimHelp),
    ])
  }

  private static func point(_ point: TimelinePoint, countsSteps: Bool) -> JSONValue {
    .object([
      "grantedBytes": JSONValue(point.granted),
      "heldBytes": JSONValue(point.held),
      "holeBytes": JSONValue(point.holeBytes),
      "holes": JSONValue(point.holes),
      "liveBytes": JSONValue(point.live),
      "residentBytes": JSONValue(point.resident),
      "step": .step(point.time, countsSteps: countsSteps),
      "timeSeconds": .seconds(point.time, countsSteps: countsSteps),
    ])
  }

  private static func sample(_ sample: ResidentSample) -> JSONValue {
    .object([
      "anonymousBytes": JSONValue(sample.anonymous),
      "residentBytes": JSONValue(sample.resident),
      "timeSeconds": JSONValue(sample.time),
    ])
  }

  private static func trend(_ timeline: [TimelinePoint]) -> JSONValue {
    guard let trend = Trend(timeline) else { return .null }
    func part(_ part: TrendPart) -> JSONValue {
      .object([
        "meanHeldBytes": JSONValue(ByteCount(clamping: part.held)),
        "meanHoleBytes": JSONValue(ByteCount(clamping: part.holeBytes)),
        "meanLiveBytes": JSONValue(ByteCount(clamping: part.live)),
        "utilisation": JSONValue(part.utilisation),
      ])
    }
    return .object(["firstThird": part(trend.first), "lastThird": part(trend.last)])
  }
}
