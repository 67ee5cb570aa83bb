// Sizes have the moments that their formulas promise.

import Foundation
import MemoryUnits
import TestSupport
import Testing
import Trace
import Workload

@Suite struct DistributionTests {
  /// So many blocks of a distribution, none of them freed.
  private func sizes(_ distribution: String, count: Int = 200_000) throws -> [Int] {
    let generated = try Generated("plateau(live=64T,events=\(count),sizes=\(distribution))")
    #expect(generated.sizes.count == count)
    return generated.sizes
  }

  /// That a mean of so many values lies within five standard errors.
  private func expectMoments(_ sizes: [Int], mean: Double, deviation: Double) {
    let found = moments(sizes)
    let error = deviation / Double(sizes.count).squareRoot()
    #expect(abs(found.mean - mean) < 5 * error + 1e-9, "\(found.mean) for \(mean)")
    #expect(abs(found.deviation - deviation) < 0.02 * deviation, "\(found.deviation)")
  }

  @Test("constant")
  func constant() throws {
    #expect(try sizes("constant(size=48)", count: 1000).allSatisfy { $0 == 48 })
  }

  @Test("uniform: mean (a+b)/2, variance (n²-1)/12, both ends and nothing beyond")
  func uniform() throws {
    let sizes = try sizes("uniform(from=10,to=109)")
    expectMoments(sizes, mean: 59.5, deviation: ((100.0 * 100 - 1) / 12).squareRoot())
    #expect(sizes.min() == 10)
    #expect(sizes.max() == 109)
    #expect(Set(sizes).count == 100)
  }

  @Test("log-uniform: mean (b-a)/ln(b/a), each doubling as often")
  func logUniform() throws {
    let sizes = try sizes("log-uniform(from=16,to=64k)")
    let span = log(4096.0)
    let mean = (65536.0 - 16) / span
    let square = (65536.0 * 65536 - 256) / (2 * span)
    expectMoments(sizes, mean: mean, deviation: (square - mean * mean).squareRoot())
    for doubling in 4..<16 {
      // Sizes are rounded, so that the borders of classes lie half a byte lower.
      let part = sizes.count { $0 >= 1 << doubling && $0 < 2 << doubling }
      #expect(abs(Double(part) / Double(sizes.count) - 1.0 / 12) < 0.004)
    }
  }

  @Test("exponential: mean and deviation are the same")
  func exponential() throws {
    let sizes = try sizes("exponential(mean=5000)")
    expectMoments(sizes, mean: 5000, deviation: 5000)
    let beyond = sizes.count { $0 > 10_000 }
    #expect(abs(Double(beyond) / Double(sizes.count) - exp(-2)) < 0.003)
  }

  @Test("normal: two thirds within one deviation")
  func normal() throws {
    let sizes = try sizes("normal(mean=10k,deviation=1k)")
    expectMoments(sizes, mean: 10240, deviation: 1024)
    let within = sizes.count { abs($0 - 10240) <= 1024 }
    #expect(abs(Double(within) / Double(sizes.count) - 0.6827) < 0.004)
    #expect(try self.sizes("normal(mean=1,deviation=1k)", count: 1000).allSatisfy { $0 >= 1 })
  }

  @Test("a mixture has its parts in the ratio of their weights")
  func mixture() throws {
    let sizes = try sizes("3 * constant(size=7) + uniform(from=100,to=199)")
    let small = sizes.count { $0 == 7 }
    #expect(abs(Double(small) / Double(sizes.count) - 0.75) < 0.005)
    #expect(sizes.allSatisfy { $0 == 7 || (100...199).contains($0) })
  }

  /// Four sizes with rates and live counts, whose lifetimes differ by a factor of a thousand.
  static let table = """
    size, rate, live
    # Made by hand.
    16, 500.0, 50
    64,300,3000

    1000, 150, 15
    65536, 50, 500
    """

  private func file(_ text: String) throws -> (TemporaryDirectory, String) {
    let directory = TemporaryDirectory()
    try text.write(toFile: directory.file("Sizes.csv"), atomically: true, encoding: .utf8)
    return (directory, directory.file("Sizes.csv"))
  }

  @Test("a measured distribution: each size at its rate")
  func empirical() throws {
    let (directory, path) = try file(Self.table)
    defer { withExtendedLifetime(directory) {} }
    let sizes = try sizes("empirical(file=\(path))")
    for (size, part) in [(16, 0.5), (64, 0.3), (1000, 0.15), (65536, 0.05)] {
      let found = Double(sizes.count { $0 == size }) / Double(sizes.count)
      #expect(abs(found - part) < 0.005, "\(size)")
    }
    // Without live counts the same sizes are drawn.
    let (other, short) = try file("16,500\n64,300\n1000,150\n65536,50\n")
    defer { withExtendedLifetime(other) {} }
    #expect(try self.sizes("empirical(file=\(short))") == sizes)
  }

  @Test("measured lifetimes: in the long run each size lives as often as the file says")
  func empiricalLifetimes() throws {
    let (directory, path) = try file(Self.table)
    defer { withExtendedLifetime(directory) {} }
    // 500 × 64 KiB and the rest: 33 million bytes live at a time.
    let generated = try Generated(
      "plateau(events=400000,live=33000000,sizes=empirical(file=\(path)),lifetimes=empirical)")
    var live: [UInt32: Int] = [:]
    var sums: [Int: Int] = [:]
    var moments = 0
    for (number, request) in generated.requests.enumerated() {
      live[request.slot.rawValue] = request.operation == .free ? nil : request.size.int
      guard number > 200_000, number % 1000 == 0 else { continue }
      moments += 1
      for size in live.values { sums[size, default: 0] += 1 }
    }
    for (size, expected) in [(16, 50.0), (64, 3000.0), (1000, 15.0), (65536, 500.0)] {
      let found = Double(sums[size] ?? 0) / Double(moments)
      // Events come in bursts on the clock of lifetimes, so their moments are no fair sample of it.
      #expect(abs(found - expected) < 0.2 * expected, "\(found) of \(size)")
    }
  }

  @Test(
    "tables that are none: the line is named",
    arguments: [
      ("", 1, "no size"), ("16,0\n", 2, "no size"), ("16,1\nx,2\n", 2, "expected"),
      ("16,1\n\n0,1\n", 3, "expected"), ("16,-1\n", 1, "expected"), ("16,1,2,3\n", 1, "expected"),
      ("16\n", 1, "expected"), ("16,nan\n", 1, "expected"), ("1e30,1\n", 1, "expected"),
      ("a\nb\n", 2, "expected"),
    ])
  func badTables(text: String, line: Int, part: String) throws {
    let (directory, path) = try file(text)
    defer { withExtendedLifetime(directory) {} }
    let error = #expect(throws: WorkloadError.self) {
      try Generated("plateau(sizes=empirical(file=\(path)))")
    }
    #expect(error?.description.hasPrefix("\(path), line \(line): ") ?? false, "\(error as Any)")
    #expect(error?.description.contains(part) ?? false)
  }

  @Test("files that cannot be read, and tables without lifetimes")
  func badFiles() throws {
    let directory = TemporaryDirectory()
    for path in [directory.file("none.csv"), directory.path, "/dev/null"] {
      #expect(throws: WorkloadError.self) {
        try Generated("ramp(sizes=empirical(file=\(path)))")
      }
    }
    let (other, path) = try file("16,1\n")
    defer { withExtendedLifetime(other) {} }
    #expect(throws: WorkloadError.noLifetimes(path: path)) {
      try Generated("ramp(sizes=empirical(file=\(path)),lifetimes=empirical)")
    }
  }

  @Test("the logarithm and the exponential agree with the system's")
  func portableMath() {
    var random = SeededRandom(seed: 3)
    for _ in 0..<20_000 {
      let x = Double.random(in: -700...700, using: &random)
      #expect(abs(PortableMath.exp(x) / exp(x) - 1) < 1e-15 * 4)
      let y = exp(Double.random(in: -600...600, using: &random))
      #expect(abs(PortableMath.log(y) - log(y)) <= 4e-16 * max(abs(log(y)), 0.5))
    }
    #expect(PortableMath.log(1) == 0)
    #expect(PortableMath.exp(0) == 1)
    #expect(abs(PortableMath.log(0x1p-53) - log(0x1p-53)) < 1e-14)
  }
}
