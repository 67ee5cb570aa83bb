// The timeline of a story as the charts need it: bounded in number, on one axis.

import Analysis
import MemoryUnits
import Trace

/// The recorded heap over time, and what the kernel measured meanwhile.
struct HeapCourse {
  var points: [TimelinePoint]
  private var samples: [ResidentSample]
  private var isTime: Bool
  private var peakTime: Timestamp
  private var xMaximum: Double

  /// At most so many points are drawn a line.
  private static let most = 800

  init(_ story: Story) {
    points = Self.thinned(story.recorded.course)
    let span = points.last?.time.nanoseconds ?? 0
    isTime = story.metadata.knowsTimes && span > 0
    samples = isTime ? Self.thinned(story.samples) : []
    peakTime = story.recorded.atPeak.time
    let last = max(span, samples.last?.time.nanoseconds ?? 0)
    xMaximum = isTime ? Double(last) : 1
  }

  /// Every n-th of many, and always the last.
  private static func thinned<Element>(_ all: [Element]) -> [Element] {
    guard all.count > most, let last = all.last else { return all }
    let step = (all.count + most - 1) / most
    return stride(from: 0, to: all.count - 1, by: step).map { all[$0] } + [last]
  }

  private func x(_ index: Int) -> Double {
    isTime
      ? Double(points[index].time.nanoseconds)
      : Double(index) / Double(max(points.count - 1, 1))
  }

  private func series(
    _ name: String, _ look: LineSeries.Look, isFilled: Bool = false,
    _ value: (TimelinePoint) -> Double?
  ) -> LineSeries {
    LineSeries(
      name: name, look: look,
      points: points.indices.compactMap { index in value(points[index]).map { (x(index), $0) } },
      isFilled: isFilled, values: points.map(value))
  }

  private var marker: (x: Double, name: String)? {
    guard isTime, let last = points.last, peakTime <= last.time else { return nil }
    return (Double(peakTime.nanoseconds), "peak of live data")
  }

  private func chart(
    id: String, title: String, description: String, height: Double, unit: LineChart.Unit,
    _ series: [LineSeries]
  ) -> LineChart {
    LineChart(
      id: id, title: title, description: description, height: height, unit: unit,
      xMaximum: xMaximum, xIsTime: isTime,
      yMaximum: series.flatMap(\.points).map(\.y).max() ?? 0,
      moments: points.indices.map(x), series: series, marker: marker)
  }

  /// Live, held, resident and hole bytes, and the kernel's samples.
  var memoryChart: LineChart {
    var lines = [
      series("live", .live, isFilled: true) { Double($0.live.rawValue) },
      series("held", .held) { Double($0.held.rawValue) },
      series("resident, modelled", .resident) { Double($0.resident.rawValue) },
      series("holes", .holes) { Double($0.holeBytes.rawValue) },
    ]
    if !samples.isEmpty {
      lines.append(
        LineSeries(
          name: "measured by the kernel", look: .measured,
          points: samples.map { (Double($0.time.nanoseconds), Double($0.anonymous.rawValue)) },
          isDotted: true, values: measuredAtPoints))
    }
    let most = points.map(\.held).max() ?? .zero
    return chart(
      id: "timeline", title: "The heap over time",
      description: "Live, held, resident and hole bytes; at most \(most) are held.", height: 330,
      unit: .bytes, lines)
  }

  /// For each point the last sample that is not later.
  private var measuredAtPoints: [Double?] {
    var next = 0
    var value: Double?
    return points.map { point in
      while next < samples.count, samples[next].time <= point.time {
        value = Double(samples[next].anonymous.rawValue)
        next += 1
      }
      return value
    }
  }

  /// Live data as a part of what is held.
  var utilisationChart: LineChart {
    chart(
      id: "utilisation", title: "Live data as a part of held memory",
      description: "One hundred percent would be a heap without any overhead.", height: 210,
      unit: .share,
      [
        series("live of held", .share, isFilled: true) { point in
          fraction(point.live, of: point.held).map { min($0, 1) }
        }
      ])
  }

  /// Hole bytes alone, on their own scale.
  var holeChart: LineChart {
    chart(
      id: "holes", title: "Hole bytes over time",
      description: "Bytes in holes between live blocks.", height: 210, unit: .bytes,
      [series("in holes", .holes, isFilled: true) { Double($0.holeBytes.rawValue) }])
  }
}
