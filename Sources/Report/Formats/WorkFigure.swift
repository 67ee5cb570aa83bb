// What a policy had to do, figure by figure: shown where it is not zero.

import Allocators
import Analysis
import MemoryUnits

/// One of the counters of ``Work``, as reports show it.
struct WorkFigure: Sendable {
  /// The head of its column.
  var title: String
  /// What follows the figure in a sentence.
  var noun: String
  /// Whether it is shown even where no heap has any.
  var isAlwaysShown = false
  var isBytes = false
  var value: @Sendable (Work) -> UInt64

  /// All counters, in the order in which reports show them.
  static let all = [
    WorkFigure(title: "inspected", noun: "holes inspected", isAlwaysShown: true) {
      $0.holesInspected
    },
    WorkFigure(title: "splits", noun: "splits", isAlwaysShown: true) { $0.splits },
    WorkFigure(title: "merges", noun: "merges", isAlwaysShown: true) { $0.merges },
    WorkFigure(title: "list steps", noun: "list operations") { $0.listOperations },
    WorkFigure(title: "copied", noun: "copied by reallocations", isAlwaysShown: true, isBytes: true)
    { $0.bytesMoved },
    WorkFigure(title: "blocks moved", noun: "blocks moved by compaction") { $0.blocksRelocated },
    WorkFigure(title: "bytes moved", noun: "moved by compaction", isBytes: true) {
      $0.bytesRelocated
    },
    WorkFigure(title: "refills", noun: "refills of caches") { $0.refills },
    WorkFigure(title: "flushes", noun: "flushes of caches") { $0.flushes },
    WorkFigure(title: "failures", noun: "requests that the heap's own space could not serve") {
      $0.failures
    },
  ]

  /// Those that some heap has, and those that are always shown.
  static func shown(_ heaps: [HeapMeasures]) -> [WorkFigure] {
    all.filter { figure in figure.isAlwaysShown || heaps.contains { figure.value($0.work) > 0 } }
  }

  func text(_ work: Work) -> String {
    let count = value(work)
    return isBytes ? "\(ByteCount(Int64(clamping: count)))" : Formats.count(count)
  }

  /// The figures of one heap in a line.
  static func list(_ work: Work) -> String {
    all.filter { $0.isAlwaysShown || $0.value(work) > 0 }
      .map { "\($0.text(work)) \($0.noun)" }.joined(separator: ", ")
  }
}
