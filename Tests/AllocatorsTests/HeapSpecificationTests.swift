// Reading and writing heap specifications.

import Allocators
import MemoryUnits
import TestSupport
import Testing

@Suite struct HeapSpecificationTests {
  @Test(
    "writes the canonical form: only what differs, in fixed order",
    arguments: [
      ("first-fit", "first-fit"), ("  Best-Fit ( ) ", "best-fit"), ("recorded", "recorded"),
      ("next-fit(trim=always,header=8)", "next-fit(header=8,trim=always)"),
      ("worst-fit(align=16, growth=4096)", "worst-fit"),
      ("first-fit(trim=131072,align=1)", "first-fit(align=1,trim=128k)"),
      ("first-fit(trim=0)", "first-fit(trim=always)"), ("first-fit(trim=1M)", "first-fit(trim=1M)"),
      ("best-fit(order=address,coalesce=immediate)", "best-fit"),
      (
        "first-fit(budget=10,trigger=EVERY:5,compact=sliding)",
        "first-fit(compact=sliding,trigger=every:5,budget=10)"
      ),
      (
        "best-fit(compact=two-finger,trigger=05%,budget=unlimited)",
        "best-fit(compact=two-finger,trigger=5%)"
      ),
      ("next-fit(coalesce=NEVER,order=fifo)", "next-fit(order=fifo,coalesce=never)"),
      ("buddy(min=32)", "buddy"), ("buddy(growth=1M,min=16)", "buddy(min=16,growth=1M)"),
      ("buddy(header=100)", "buddy(header=100)"), ("recorded()", "recorded"),
    ])
  func canonicalForm(text: String, canonical: String) throws {
    let specification = try HeapSpecification(parsing: text)
    #expect(specification.description == canonical)
    #expect(try HeapSpecification(parsing: canonical) == specification)
  }

  @Test("reads the settings")
  func settings() throws {
    let fit = try HeapSpecification(
      parsing: "best-fit(header=8,align=32,min=48,growth=64k,trim=128k)")
    let parameters = FitParameters(
      header: 8, align: 32, min: 48, growth: 65536, trim: .above(131072))
    #expect(fit.kind == .fit(.bestFit, parameters))
    let buddy = try HeapSpecification(parsing: "buddy(min=64,header=4,growth=8k)")
    #expect(buddy.kind == .buddy(BuddyParameters(min: 64, header: 4, growth: 8192)))
    #expect(try HeapSpecification(parsing: "recorded").kind == .recorded)
  }

  typealias Reason = HeapSpecificationError.Reason

  @Test(
    "points at the character that is wrong",
    arguments: [
      ("", 0, Reason.missingName), ("  ", 2, .missingName), ("(", 0, .missingName),
      ("frist-fit", 0, .unknownHeap("frist-fit", nearest: "first-fit")),
      (" budy", 1, .unknownHeap("budy", nearest: "buddy")),
      ("xyzzy", 0, .unknownHeap("xyzzy", nearest: nil)),
      ("first-fit(align=8)/buddy", 18, .bottom("first-fit")),
      ("buddy / buddy", 6, .bottom("buddy")),
      ("/buddy", 0, .missingName),
      ("first-fit(aling=8)", 10, .unknownParameter("aling", of: "first-fit", nearest: "align")),
      ("recorded(min=1)", 9, .unknownParameter("min", of: "recorded", nearest: nil)),
      ("first-fit(align=8,align=8)", 18, .repeatedParameter("align")),
      ("first-fit(align)", 15, .expected("'='")),
      ("first-fit(align=)", 16, .expected("a value of align")),
      ("first-fit(align=8", 17, .expected("',' or ')'")),
      ("first-fit(", 10, .expected("a setting, as in align=8")),
      ("first-fit(,)", 10, .expected("a setting, as in align=8")),
      ("first-fit)", 9, .expected("'(', '/' or the end")),
      ("first-fit() x", 12, .expected("'/' or the end")),
      (
        "first-fit(order=size)", 16, .badValue("size", of: "order", allowed: "address|lifo|fifo")
      ),
      (
        "first-fit(coalesce=late)", 19,
        .badValue("late", of: "coalesce", allowed: "immediate|deferred|never")
      ),
      (
        "first-fit(trigger=100%)", 18,
        .badValue("100%", of: "trigger", allowed: "failure|<1 to 99>%|every:<requests>")
      ),
      (
        "first-fit(trigger=every:)", 18,
        .badValue("every:", of: "trigger", allowed: "failure|<1 to 99>%|every:<requests>")
      ),
      (
        "thread-cache/first-fit(compact=sliding)", 0,
        .unfit("a heap that moves blocks cannot stand below thread-cache")
      ),
      (
        "first-fit(compact=sliding,order=fifo)", 18,
        .unfit("compact works with order=address and coalesce=immediate only")
      ),
      (
        "best-fit(min=8, align=24)", 22,
        .badValue("24", of: "align", allowed: "<power of two up to 256M>")
      ),
      (
        "best-fit(align=1G)", 15, .badValue("1g", of: "align", allowed: "<power of two up to 256M>")
      ),
      ("best-fit(align=0)", 15, .badValue("0", of: "align", allowed: "<power of two up to 256M>")),
      (
        "best-fit(growth=0)", 16, .badValue("0", of: "growth", allowed: "<bytes from 1 to 1T>")
      ),
      (
        "best-fit(trim=-1)", 14, .badValue("-1", of: "trim", allowed: "never|always|<bytes>")
      ),
      ("buddy(min=33)", 10, .badValue("33", of: "min", allowed: "<power of two up to 1G>")),
    ])
  func errors(text: String, position: Int, reason: Reason) {
    #expect(throws: HeapSpecificationError(reason, text: text, position: position)) {
      try HeapSpecification(parsing: text)
    }
  }

  @Test("draws a caret and says what to do")
  func rendering() {
    let error = #expect(throws: HeapSpecificationError.self) {
      try HeapSpecification(parsing: "first-fit(aling=8)")
    }
    #expect(
      error?.description == """
        first-fit has no setting 'aling' (did you mean 'align'?); it takes header, align, min, \
        growth, trim, order, coalesce, compact, trigger, budget
          first-fit(aling=8)
                    ^
        """)
    let nameless = HeapSpecificationError(.missingName, text: "", position: 0)
    #expect(nameless.message.contains("recorded, first-fit, best-fit, next-fit, worst-fit, buddy"))
    let hostile = HeapSpecificationError(
      .unknownHeap("\u{1b}[2J", nearest: nil), text: "\u{1b}[2J", position: 0)
    #expect(!hostile.description.contains("\u{1b}"))
  }

  @Test("refuses any garbage without trapping")
  func garbage() {
    var random = SeededRandom(seed: 7)
    let pieces = [
      "first-fit", "buddy", "(", ")", ",", "=", "/", " ", "align", "min", "trim", "never", "16",
      "1e9",
      "999999999999999999999999", "4k", "-", "\u{301}", "é", "\u{1F468}\u{200D}\u{1F469}", "\0",
      ".",
      "header", "growth", "١٢", "9223372036854775807", "8T",
    ]
    var accepted = 0
    for _ in 0..<20_000 {
      let length = Int.random(in: 0..<9, using: &random)
      let text = (0..<length).map { _ in pieces.randomElement(using: &random) ?? "" }.joined()
      do {
        let specification = try HeapSpecification(parsing: text)
        #expect(try HeapSpecification(parsing: specification.description) == specification)
        accepted += 1
      } catch {
        #expect(error.position <= error.text.count)
      }
    }
    #expect(accepted > 0)
    let long = String(repeating: "a", count: 100_000)
    #expect(throws: HeapSpecificationError.self) { try HeapSpecification(parsing: long) }
    let marks = "a" + String(repeating: "\u{301}", count: 100_000)
    #expect(throws: HeapSpecificationError.self) { try HeapSpecification(parsing: marks) }
  }

  @Test("lists defaults that parse and change nothing", arguments: HeapCatalogue.heaps)
  func catalogue(heap: HeapDescription) throws {
    let below = heap.below == .required ? "/first-fit" : ""
    let plain = try HeapSpecification(parsing: heap.name + below)
    for parameter in heap.parameters {
      let text = "\(heap.name)(\(parameter.name)=\(parameter.defaultValue))\(below)"
      #expect(try HeapSpecification(parsing: text) == plain)
      #expect(!parameter.help.isEmpty)
    }
    #expect(plain.description == heap.name + below)
  }

  /// The address of a first block, and the type that placed it.
  struct FirstBlock: HeapVisitor {
    mutating func visit<H: Heap & ~Copyable>(_ heap: consuming H) -> String {
      var heap = heap
      let placement = heap.allocate(BlockRequest(size: 100))
      return "\(H.self) \(placement.address) \(placement.granted.rawValue)"
    }
  }

  @Test(
    "builds the heap that it names",
    arguments: [
      ("first-fit(header=8)", "FitHeap<FirstFit> 0x10000000 112"),
      ("best-fit(align=1)", "FitHeap<BestFit> 0x10000000 100"),
      ("next-fit(align=64)", "FitHeap<NextFit> 0x10000000 128"),
      ("worst-fit", "FitHeap<WorstFit> 0x10000000 112"),
      ("next-fit(compact=sliding)", "AnyHeap 0x10000000 112"),
      ("worst-fit(compact=two-finger)", "AnyHeap 0x10000000 112"),
      ("first-fit(order=lifo)", "AnyHeap 0x10000000 112"),
      ("best-fit(order=fifo)", "AnyHeap 0x10000000 112"),
      ("next-fit(order=fifo)", "AnyHeap 0x10000000 112"),
      ("worst-fit(order=lifo)", "AnyHeap 0x10000000 112"),
      ("buddy", "BuddyHeap 0x10000000 128"),
    ])
  func building(text: String, expected: String) throws {
    var visitor = FirstBlock()
    #expect(try HeapSpecification(parsing: text).kind.build(&visitor) == expected)
    #expect(HeapKind.recorded.build(&visitor) == nil)
  }
}
