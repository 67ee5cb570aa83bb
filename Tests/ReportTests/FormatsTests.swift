// How figures are written, against values worked out by hand.

import MemoryUnits
import Testing
import Trace

@testable import Report

@Suite struct FormatsTests {
  @Test(
    "writes decimals",
    arguments: [
      (0.0, 1, "0.0"), (1.25, 1, "1.3"), (-0.04, 1, "0.0"), (-1.5, 0, "-2"), (12.345, 2, "12.35"),
      (.nan, 1, "–"), (.infinity, 1, "–"), (1e19, 0, "1e+19"), (0.05, 2, "0.05"),
    ])
  func decimals(value: Double, places: Int, text: String) {
    #expect(Formats.decimal(value, places: places) == text)
  }

  @Test(
    "groups digits by three",
    arguments: [(0, "0"), (999, "999"), (1000, "1,000"), (-1_234_567, "-1,234,567")])
  func counts(value: Int, text: String) {
    #expect(Formats.count(value) == text)
  }

  @Test("writes the extremes of integers")
  func extremes() {
    #expect(Formats.count(Int64.min) == "-9,223,372,036,854,775,808")
    #expect(Formats.count(UInt64.max) == "18,446,744,073,709,551,615")
    #expect(Formats.count(clamping: .infinity) == "–")
    #expect(Formats.count(clamping: 1e300) == "4,611,686,018,427,387,904")
  }

  @Test(
    "writes percents",
    arguments: [
      (0.0, "0 %"), (0.0001, "<0.1 %"), (0.073, "7.3 %"), (0.42, "42 %"), (1.33, "133 %"),
      (-0.028, "-2.8 %"), (.nan, "–"),
    ])
  func percents(fraction: Double, text: String) {
    #expect(Formats.percent(fraction) == text)
  }

  @Test("writes signs of differences")
  func signs() {
    #expect(Formats.signedPercent(0.37) == "+37 %")
    #expect(Formats.signedPercent(0) == "±0 %")
    #expect(Formats.signedPercent(nil) == "–")
    #expect(Formats.signedBytes(2048) == "+2.00 KiB")
    #expect(Formats.signedBytes(-2048) == "-2.00 KiB")
  }

  @Test(
    "writes durations",
    arguments: [
      (0, "0 ns"), (999, "999 ns"), (1500, "1.50 µs"), (12_500_000, "12.5 ms"),
      (3_200_000_000, "3.20 s"), (84_300_000_000, "84.3 s"), (245_000_000_000, "4 min 05 s"),
      (7_800_000_000_000, "2 h 10 min"), (864_000_000_000_000, "10 d 0 h"),
      (UInt64.max, "213,503 d 23 h"),
    ])
  func durations(nanoseconds: UInt64, text: String) {
    #expect(Formats.duration(nanoseconds: nanoseconds) == text)
  }

  @Test(
    "writes dates",
    arguments: [
      (951_782_400.0, "2000-02-29 00:00:00 UTC"), (1_772_368_496, "2026-03-01 12:34:56 UTC"),
      (4_107_542_399, "2100-02-28 23:59:59 UTC"), (1, "1970-01-01 00:00:01 UTC"),
      (0, nil), (-5, nil), (.nan, nil), (.infinity, nil), (1e18, nil),
    ])
  func dates(seconds: Double, text: String?) {
    #expect(Formats.date(secondsSince1970: seconds) == text)
  }

  @Test("keeps numbers and units on one line, and nothing else")
  func unbroken() {
    #expect(Formats.unbroken("Of 312 MiB, 7 % is") == "Of 312\u{A0}MiB, 7\u{A0}% is")
    #expect(Formats.unbroken("2 shares  s") == "2 shares  s")
    #expect(Formats.unbroken("") == "")
  }

  @Test("shows what would act")
  func visible() {
    #expect("plain ünïcode 漢字".visible == "plain ünïcode 漢字")
    #expect("\u{1B}[31mred\n\t\u{7f}".visible == "␛[31mred␊␉␡")
    #expect("a\u{202E}b\u{200B}\u{85}\u{2028}".visible == "a{202E}b{200B}{85}{2028}")
  }
}
