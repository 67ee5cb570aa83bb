// The reporting commands on traces that have the blocks of some regions only.

import Analysis
import ArgumentParser
import Report
import Trace

extension InfoCommand {
  /// Shows what is in a sampled trace, and what it says of the program.
  func runSampled(_ file: TraceFile, _ details: TraceDetails) throws {
    let story = try measured("reading", file, quiet: output.quiet) {
      try Measurement.sampledStory(of: file, namesSites: false, progress: $0)
    }
    try output.print(SampleText.info(story, details: details)) {
      try SampleJSON.info(story, details: details)
    }
  }
}

extension ReportCommand {
  /// Tells what a sample can tell.
  func runSampled(_ file: TraceFile, _ page: OutputFile?) throws {
    let story = try measured("reading", file, quiet: options.quiet) {
      try Measurement.sampledStory(of: file, progress: $0)
    }
    if let page {
      try page.write(HTMLReport.render(story))
      if !options.quiet { note("the report is in \(page.path)") }
    } else if output == "-" {
      try writeResult(HTMLReport.render(story))
    }
    guard output == nil || options.json else { return }
    try options.print(SampleText.report(story)) { try SampleJSON.report(story) }
  }
}

extension PinsCommand {
  /// Estimates who keeps pages.
  func runSampled(_ file: TraceFile, _ sampling: RegionSampling, at moment: Moment) throws {
    let estimate = try measured("looking for pins", file, quiet: output.quiet) {
      try Measurement.sampledMoment(of: file, at: moment, grouping: by, progress: $0)
    }
    try output.print(SampleText.pins(estimate, sampling, limit: max(0, limit))) {
      try SampleJSON.pins(estimate, sampling)
    }
  }
}
