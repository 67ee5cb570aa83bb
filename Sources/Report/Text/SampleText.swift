// What a sampled trace tells, in text: every figure with the range that holds the truth.

public import Analysis
import MemoryUnits
public import Trace

/// `lacuna info`, `report` and `pins` of a trace that has the blocks of some regions only.
public enum SampleText {
  /// What is in the trace, and what that says about the program.
  public static func info(
    _ story: SampledStory, details: TraceDetails = TraceDetails()
  ) -> TextDocument {
    var document = TextDocument([.heading(story.traceName, level: 1)])
    append(warnings: story, to: &document)
    document.append(.paragraph(explanation(story.sampling)))
    document.append(.facts(InfoText.origin(story.metadata)))
    document.append(.facts(recorded(story)))
    document.append(.heading("Estimated of the whole program", level: 2))
    document.append(.facts(requests(story)))
    document.append(moments([("at the end", story.atEnd)]))
    document.append(contentsOf: details.document)
    return document
  }

  /// The whole story, as far as a sample can tell it; the first `siteLimit` call sites.
  public static func report(_ story: SampledStory, siteLimit: Int = 10) -> TextDocument {
    var document = TextDocument([.heading(title(story), level: 1)])
    append(warnings: story, to: &document)
    document.append(.paragraph(explanation(story.sampling)))
    document.append(.facts(recorded(story) + requests(story)))
    document.append(.heading("Where did the memory go?", level: 2))
    document.append(moments([(peakTitle, story.atPeak), ("at the end", story.atEnd)]))
    document.append(.paragraph(peakCaveat))
    append(holes: story.atEnd, to: &document)
    document.append(.heading("Who pins it?", level: 2))
    append(sites: story.atPeak, "Where most lived in the sample", siteLimit, to: &document)
    append(sites: story.atEnd, "At the end", siteLimit, to: &document)
    document.append(.heading("Would trimming help?", level: 2))
    document.append(.paragraph(trimming(story.atEnd)))
    document.append(.heading("Would another allocator help?", level: 2))
    document.append(.paragraph(noReplay))
    document.append(.heading("Is it getting worse?", level: 2))
    append(course: story.course, to: &document)
    return document
  }

  /// The blame for pinned pages at a moment; the first `limit` sites.
  public static func pins(
    _ moment: SampledMoment, _ sampling: RegionSampling, limit: Int = 20
  ) -> TextDocument {
    var document = TextDocument([
      .heading("Who pins memory after \(Formats.time(moment.time))", level: 1),
      .paragraph(explanation(sampling)),
      .paragraph(
        "\(Formats.bytesWithRange(moment.pinned)) of free bytes are pinned on"
          + " \(Formats.countWithRange(moment.occupiedPages)) pages in use;"
          + " \(Formats.bytesWithRange(moment.freePageBytes)) are whole free pages, which a trim can"
          + " return."),
    ])
    document.append(contentsOf: sites(moment, limit))
    return document
  }

  // MARK: Sentences

  /// How the figures came to be.
  static func explanation(_ sampling: RegionSampling) -> String {
    "Estimated from a sample: the trace has the blocks in a random 1/\(sampling.denominator) of all"
      + " regions of \(ByteCount(sampling.size)) of the address space. Beside each estimate stands"
      + " the range that holds the truth in 95 of 100 such samples."
  }

  private static let peakTitle = "at the most in the sample"

  private static let peakCaveat =
    "The moment at which the program itself had the most live bytes cannot be told from a sample,"
    + " nor can its largest hole; the largest hole that was seen whole is a lower bound. A free top"
    + " of a held range is told from a hole by the blocks that are known above it: \"hole or top\" is"
    + " what lies above all of them."

  private static let noReplay =
    "A sample cannot tell: no heap can be replayed from a part of the requests. Record without"
    + " --regions to compare heaps."

  private static func trimming(_ moment: SampledMoment) -> String {
    "At the end \(Formats.bytesWithRange(moment.freePageBytes)) lie in whole free pages, which a"
      + " perfect trim would return; \(Formats.bytesWithRange(moment.pinned)) are pinned."
  }

  static func title(_ story: SampledStory) -> String {
    let program = story.metadata.command.first ?? story.metadata.executable
    let name = program.split(separator: "/").last.map(String.init) ?? ""
    return name.isEmpty ? (story.traceName.isEmpty ? "Trace" : story.traceName) : name
  }
}

extension SampleText {
  // MARK: Parts

  private static func append(warnings story: SampledStory, to document: inout TextDocument) {
    let warnings = Warnings.of(
      metadata: story.metadata, summary: story.summary, inventory: story.inventory)
    for warning in warnings + story.symbolProblems { document.append(.warning(warning)) }
  }

  /// What is known and not estimated.
  private static func recorded(_ story: SampledStory) -> [TextFact] {
    [
      TextFact("duration", Formats.duration(nanoseconds: story.summary.durationNanoseconds)),
      TextFact("events recorded", Formats.count(story.summary.events)),
      TextFact("regions in sample", "\(Formats.count(story.atEnd.regions)) held at the end"),
      TextFact("data segment", "\(story.atEnd.dataSegment) at the end"),
      TextFact("file", "\(story.inventory.fileBytes)"),
    ]
  }

  private static func requests(_ story: SampledStory) -> [TextFact] {
    [
      TextFact("blocks placed", Formats.countWithRange(story.placements)),
      TextFact("blocks released", Formats.countWithRange(story.releases)),
    ]
  }

  /// The figures of some moments side by side.
  static func moments(_ moments: [(String, SampledMoment)]) -> TextBlock {
    let columns = moments.flatMap { [TextColumn($0.0), TextColumn("95 % range", .left)] }
    func bytes(_ name: String, _ key: KeyPath<SampledMoment, Estimate>) -> [String] {
      [name]
        + moments.flatMap {
          [Formats.bytes($0.1[keyPath: key]), Formats.byteRange($0.1[keyPath: key])]
        }
    }
    func counts(_ name: String, _ key: KeyPath<SampledMoment, Estimate>) -> [String] {
      [name]
        + moments.flatMap {
          [Formats.count($0.1[keyPath: key]), Formats.countRange($0.1[keyPath: key])]
        }
    }
    let times = ["time"] + moments.flatMap { [Formats.time($0.1.time), ""] }
    let largest =
      ["largest hole seen"]
      + moments.flatMap { ["\($0.1.largestHoleSeen)", "or larger"] }
    return .table(
      TextTable(
        columns: [TextColumn("", .left)] + columns,
        rows: [
          times, bytes("live", \.live), counts("live blocks", \.blocks),
          bytes("granted", \.granted), bytes("held", \.held), bytes("free", \.free),
          counts("holes", \.holes), bytes("hole bytes", \.holeBytes),
          bytes("hole or top", \.unsure), largest,
          bytes("pinned", \.pinned), bytes("whole free pages", \.freePageBytes),
        ]))
  }

  private static func append(holes moment: SampledMoment, to document: inout TextDocument) {
    let classes = moment.holeSizes + (moment.longHoles.count.value > 0.5 ? [moment.longHoles] : [])
    guard !classes.isEmpty else { return }
    document.append(.heading("Holes at the end, by size", level: 3))
    document.append(
      .table(
        TextTable(
          columns: [
            TextColumn("from"), TextColumn("holes"), TextColumn("95 % range", .left),
            TextColumn("bytes"), TextColumn("95 % range", .left),
          ],
          rows: classes.map {
            [
              "\($0.shortest)", Formats.count($0.count), Formats.countRange($0.count),
              Formats.bytes($0.bytes), Formats.byteRange($0.bytes),
            ]
          })))
  }

  private static func append(
    sites moment: SampledMoment, _ title: String, _ limit: Int, to document: inout TextDocument
  ) {
    guard !moment.sites.isEmpty else { return }
    document.append(.heading("\(title), after \(Formats.time(moment.time))", level: 3))
    document.append(contentsOf: sites(moment, limit))
  }

  private static func sites(_ moment: SampledMoment, _ limit: Int) -> TextDocument {
    guard !moment.sites.isEmpty else { return TextDocument() }
    let listed = moment.sites.prefix(max(limit, 0))
    let rows = listed.map { site in
      [
        Formats.bytes(site.pinned), Formats.byteRange(site.pinned), Formats.bytes(site.sole),
        Formats.bytes(site.live), Formats.count(site.blocks), Formats.count(site.regions),
        site.frame.function, SiteNames.place(site.frame),
      ]
    }
    var document = TextDocument([
      .table(
        TextTable(
          columns: [
            TextColumn("pinned"), TextColumn("95 % range", .left), TextColumn("alone"),
            TextColumn("live"), TextColumn("blocks", isMinor: true),
            TextColumn("regions", isMinor: true), TextColumn("function", .left, isFlexible: true),
            TextColumn("where", .left, isFlexible: true, isMinor: true),
          ], rows: rows))
    ])
    let rest = moment.sites.count - listed.count
    if rest > 0 {
      document.append(.paragraph("and \(Formats.counted(rest, "more site", plural: "more sites"))"))
    }
    return document
  }

  private static func append(course: [SampledMoment], to document: inout TextDocument) {
    guard !course.isEmpty else { return }
    let rows = course.map {
      [
        Formats.time($0.time), Formats.bytes($0.live), Formats.byteRange($0.live),
        Formats.bytes($0.held), Formats.bytes($0.holeBytes), Formats.byteRange($0.holeBytes),
      ]
    }
    document.append(
      .table(
        TextTable(
          columns: [
            TextColumn("after"), TextColumn("live"), TextColumn("95 % range", .left),
            TextColumn("held"), TextColumn("hole bytes"), TextColumn("95 % range", .left),
          ], rows: rows)))
  }
}
