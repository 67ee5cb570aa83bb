// Specifications of workloads: what they mean, how they are written back, what is wrong with others.

import Allocators
import MemoryUnits
import TestSupport
import Testing
import Workload

@Suite struct WorkloadSpecificationTests {
  private static let canonical = [
    "plateau", "ramp", "peaks", "robson", "plateau(events=5)", "ramp(live=64M,threads=8,remote=5%)",
    "peaks(peaks=9,base=0%)", "plateau(sizes=constant(size=1k))",
    "plateau(sizes=uniform(from=1,to=2))", "ramp(sizes=log-uniform(from=16,to=1M))",
    "plateau(sizes=exponential(mean=100),lifetimes=fifo)", "plateau(lifetimes=phases)",
    "plateau(lifetimes=phases(length=7))", "plateau(sizes=normal(mean=1k,deviation=10))",
    "plateau(sizes=0.5*constant(size=3)+2*exponential(mean=4))",
    "plateau(sizes=empirical(file=/tmp/A,b.csv),lifetimes=lifo)",
    "plateau(sizes=empirical(file=Sizes(1).csv),lifetimes=empirical)",
    "robson(live=64,largest=8,unit=1,against=best-fit(align=1,min=1))", "robson(against=buddy)",
  ].filter { !$0.contains("A,b") }

  @Test("canonical forms are read and written back", arguments: canonical)
  func roundTrip(text: String) throws {
    let specification = try WorkloadSpecification(parsing: text)
    #expect("\(specification)" == text)
    #expect(try WorkloadSpecification(parsing: "\(specification)") == specification)
  }

  @Test(
    "other ways to write the same",
    arguments: [
      (" PLATEAU ( Events = 5 ) ", "plateau(events=5)"), ("ramp()", "ramp"),
      ("plateau(live=1024k)", "plateau"), ("plateau(remote=5)", "plateau(remote=5%)"),
      ("plateau(lifetimes=phases(length=1000))", "plateau(lifetimes=phases)"),
      (
        "plateau(sizes=constant(size=3)+constant(size=4))",
        "plateau(sizes=1*constant(size=3)+1*constant(size=4))"
      ),
      ("plateau(sizes=7*constant(size=3))", "plateau(sizes=constant(size=3))"),
      ("robson(live=10)", "robson(live=10,largest=8)"),
      ("robson(live=1)", "robson(live=1,largest=1)"),
      ("robson(against=first-fit(align=16))", "robson"),
    ])
  func equal(text: String, canonical: String) throws {
    #expect("\(try WorkloadSpecification(parsing: text))" == canonical)
  }

  /// The specification, the column of the fault in it, and a part of the message.
  private static let wrong: [(String, Int, String)] = [
    ("", 0, "expected the name of a workload; there are plateau, ramp, peaks, robson"),
    ("platau", 0, "did you mean 'plateau'"), ("plateau)", 7, "expected"),
    ("plateau(peaks=3)", 8, "no setting 'peaks'"), ("plateau(events=0)", 15, "count"),
    ("plateau(events=x)", 15, "'x' is no value of events"),
    ("plateau(events=1,events=2)", 17, "twice"), ("plateau(events", 14, "expected '='"),
    ("plateau(events=", 15, "expected a value of events"), ("plateau(events=1", 16, "',' or ')'"),
    ("plateau(live=)", 13, "expected a value"), ("plateau(live=65T)", 13, "bytes up to 64T"),
    ("plateau(remote=101%)", 15, "percent"), ("plateau() x", 10, "expected the end"),
    ("plateau(sizes=gauss(mean=3))", 14, "no distribution is called 'gauss'"),
    ("plateau(sizes=exponential)", 14, "exponential needs mean, as in exponential(mean=...)"),
    ("plateau(sizes=exponential(mean=0))", 31, "no value of mean"),
    ("plateau(sizes=uniform(from=9,to=8))", 32, "ends before it begins"),
    ("plateau(sizes=2*constant(size=1)+x*constant(size=2))", 33, "'x' is no weight"),
    ("plateau(sizes=0*constant(size=1))", 14, "no weight"),
    ("plateau(sizes=constant(size=1)constant(size=1))", 30, "expected '+'"),
    ("plateau(sizes=empirical)", 14, "needs file"),
    ("plateau(lifetimes=nosuch)", 18, "rule of lifetimes"),
    ("plateau(lifetimes=empirical)", 18, "needs sizes=empirical"),
    ("plateau(lifetimes=fifo(length=3))", 23, "it takes none"),
    ("plateau(lifetimes=phases(length=0))", 32, "length"),
    ("robson(largest=3)", 15, "power of two"), ("robson(live=8,largest=16)", 22, "power of two"),
    ("robson(unit=3)", 12, "power of two"), ("robson(against=frist-fit)", 15, "'first-fit'"),
    ("robson(against=first-fit(align=3))", 31, "align"),
    ("robson(against=recorded)", 15, "made from a trace"),
    (String(repeating: "x", count: 1001), 1000, "at most 1000"),
  ]

  @Test("what is wrong, and where", arguments: wrong)
  func errors(text: String, column: Int, part: String) throws {
    let error = try #require(throws: WorkloadSpecificationError.self) {
      try WorkloadSpecification(parsing: text)
    }
    #expect(error.position == column, "\(error)")
    #expect(error.message.contains(part), "\(error)")
    #expect(error.description.hasSuffix("\n  " + String(repeating: " ", count: column) + "^"))
  }

  @Test("no text traps")
  func noise() {
    var random = SeededRandom(seed: 11)
    let pieces =
      Self.canonical + [
        "(", ")", "=", ",", "+", "*", "/", " ", "sizes", "uniform", "mean", "1e400", "-1", "nan",
        "9223372036854775807", "é", "\u{0}", "0x10", "%",
      ]
    for _ in 0..<20_000 {
      var text = ""
      for _ in 0..<Int.random(in: 1...8, using: &random) {
        text += pieces[Int.random(in: 0..<pieces.count, using: &random)]
      }
      let start = Int.random(in: 0...text.count, using: &random)
      do {
        let specification = try WorkloadSpecification(parsing: text.dropFirst(start))
        #expect(try WorkloadSpecification(parsing: "\(specification)") == specification)
      } catch {
        #expect((0...error.text.count).contains(error.position))
      }
    }
  }

  @Test("the catalogue's defaults are the defaults")
  func defaults() throws {
    for workload in WorkloadCatalogue.workloads {
      for parameter in workload.parameters {
        let text = "\(workload.name)(\(parameter.name)=\(parameter.defaultValue))"
        #expect("\(try WorkloadSpecification(parsing: text))" == workload.name)
      }
    }
  }
}
