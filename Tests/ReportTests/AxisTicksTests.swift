// Round ticks in fitting units, against axes drawn by hand.

import Testing

@testable import Report

@Suite struct AxisTicksTests {
  @Test(
    "cuts byte axes at round numbers of binary units",
    arguments: [
      (327_155_712.0, ["0", "100 MiB", "200 MiB", "300 MiB", "400 MiB"]),
      (1024.0, ["0", "0.2 KiB", "0.4 KiB", "0.6 KiB", "0.8 KiB", "1 KiB"]),
      (1_288_490_188.0, ["0", "0.5 GiB", "1 GiB", "1.5 GiB"]),
      (1000.0, ["0", "200 B", "400 B", "600 B", "800 B", "1000 B"]),
      (3.0, ["0", "1 B", "2 B", "3 B"]),
      (1.0, ["0", "1 B"]),
      (0.0, ["0", "1 B"]),
      (5_368_709_120.0, ["0", "1 GiB", "2 GiB", "3 GiB", "4 GiB", "5 GiB"]),
    ])
  func bytes(maximum: Double, labels: [String]) {
    #expect(AxisTicks.bytes(upTo: maximum).map(\.label) == labels)
  }

  @Test("places ticks at exact multiples of the unit")
  func places() {
    let values = AxisTicks.bytes(upTo: 300 * 1_048_576).map(\.value)
    #expect(values == [0, 104_857_600, 209_715_200, 314_572_800])
  }

  @Test(
    "cuts time axes at round spans",
    arguments: [
      (84.3e9, ["0", "20 s", "40 s", "60 s", "80 s", "100 s"]),
      (500e6, ["0", "100 ms", "200 ms", "300 ms", "400 ms", "500 ms"]),
      (600e9, ["0", "2 min", "4 min", "6 min", "8 min", "10 min"]),
      (4.0, ["0", "1 ns", "2 ns", "3 ns", "4 ns"]),
    ])
  func times(nanoseconds: Double, labels: [String]) {
    #expect(AxisTicks.time(upToNanoseconds: nanoseconds).map(\.label) == labels)
  }

  @Test("counts in thousands and millions")
  func counts() {
    #expect(AxisTicks.counts(upTo: 63_000).map(\.label) == ["0", "20 k", "40 k", "60 k", "80 k"])
    #expect(AxisTicks.counts(upTo: 2).map(\.label) == ["0", "1", "2"])
  }

  @Test(
    "steps are 1, 2 or 5 times a power of ten",
    arguments: [
      (0.03, 0.05), (1.0, 1), (1.01, 2), (2.0, 2), (4.9, 5), (5.1, 10), (999, 1000), (0, 1),
      (-1, 1), (.nan, 1), (.infinity, 1),
    ])
  func steps(rough: Double, step: Double) {
    #expect((AxisTicks.niceStep(rough) - step).magnitude < step * 1e-9)
  }

  @Test("every axis holds its data with few ticks, none labelled twice")
  func everyAxis() {
    var maximum = 1.0
    while maximum < 1e20 {
      for ticks in [
        AxisTicks.bytes(upTo: maximum), AxisTicks.time(upToNanoseconds: maximum),
        AxisTicks.counts(upTo: maximum),
      ] {
        #expect((2...8).contains(ticks.count), "\(maximum)")
        #expect((ticks.last?.value ?? 0) >= maximum * (1 - 1e-6), "\(maximum)")
        #expect(Set(ticks.map(\.label)).count == ticks.count, "\(maximum)")
        #expect(zip(ticks, ticks.dropFirst()).allSatisfy { $0.value < $1.value })
      }
      maximum *= 1.37
    }
  }

  @Test("draws an axis for what is no maximum", arguments: [Double.nan, .infinity, -1, 1e308])
  func strange(maximum: Double) {
    #expect((2...8).contains(AxisTicks.bytes(upTo: maximum).count))
  }
}
