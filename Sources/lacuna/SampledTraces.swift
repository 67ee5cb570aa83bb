// The reporting commands on traces that have the blocks of some regions only.

import Analysis
import ArgumentParser
import Report
import Trace

extension InfoCommand {
  /// Shows what is in a sampled trace, and what it says of the program.
  func runSampled(_ file: TraceFile, _ details: TraceDetails) throws {
    let story = try measured("reading", file, quiet: output.quiet) {
      try Measurement.sampledStory(
        of: file, namesSites: false, slice: details.slice, progress: $0)
    }
    let document = SampleText.info(story, details: details)
    try output.print(SpanText.document(document, of: story.span)) {
      try SampleJSON.info(story, details: details)
    }
  }
}

extension ReportCommand {
  /// Tells what a sample can tell.
  func runSampled(_ file: TraceFile, _ page: OutputFile?, _ slice: TraceSlice?) throws {
    let story = try measured("reading", file, quiet: options.quiet) {
      try Measurement.sampledStory(of: file, slice: slice, progress: $0)
    }
    if let page {
      try page.write(HTMLReport.render(story))
      if !options.quiet { note("the report is in \(page.path)") }
    } else if output == "-" {
      try writeResult(HTMLReport.render(story))
    }
    guard output == nil || options.json else { return }
    try options.print(SpanText.document(SampleText.report(story), of: story.span)) {
      try SampleJSON.report(story)
    }
  }
}

extension PinsCommand {
  /// Estimates who keeps pages.
  func runSampled(
    _ file: TraceFile, _ sampling: RegionSampling, at moment: Moment, _ slice: TraceSlice?
  ) throws {
    let estimate = try measured("looking for pins", file, quiet: output.quiet) {
      try Measurement.sampledMoment(
        of: file, at: moment, grouping: by, slice: slice, progress: $0)
    }
    let document = SampleText.pins(estimate, sampling, limit: max(0, limit))
    try output.print(SpanText.document(document, of: slice?.span)) {
      try SampleJSON.pins(estimate, sampling, span: slice?.span)
    }
  }
}
