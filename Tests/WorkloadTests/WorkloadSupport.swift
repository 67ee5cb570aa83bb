// What the tests of workloads share: generating, and reading what was generated.

import MemoryUnits
import TestSupport
import Trace
import Workload

/// A workload that was generated, as its trace tells it.
struct Generated {
  let directory = TemporaryDirectory()
  let path: String
  let summary: WorkloadSummary
  let file: TraceFile
  let requests: [Request]

  init(_ text: String, seed: UInt64 = 1) throws {
    path = directory.file("generated.trace")
    summary = try Workload.generate(
      WorkloadSpecification(parsing: text), seed: seed, to: path)
    file = try TraceFile(path: path)
    var requests: [Request] = []
    try file.read(addresses: false) { requests += $0 }
    self.requests = requests
  }

  /// The sizes of all allocations, in order.
  var sizes: [Int] {
    requests.compactMap { $0.operation == .allocate ? $0.size.int : nil }
  }

  /// The live bytes after each event.
  var course: [Int] {
    var sizes: [UInt32: Int] = [:]
    var live = 0
    return requests.map { request in
      live -= sizes.removeValue(forKey: request.slot.rawValue) ?? 0
      if request.operation != .free {
        sizes[request.slot.rawValue] = request.size.int
        live += request.size.int
      }
      return live
    }
  }

  /// For each block that was freed, in the order of the frees: the number of its allocation and of
  /// allocations until its end.
  var lifetimes: [(birth: Int, length: Int)] {
    var births: [UInt32: Int] = [:]
    var allocations = 0
    var result: [(Int, Int)] = []
    for request in requests {
      if request.operation == .allocate {
        births[request.slot.rawValue] = allocations
        allocations += 1
      } else if request.operation == .free, let birth = births[request.slot.rawValue] {
        result.append((birth, allocations - birth))
      }
    }
    return result
  }
}

/// Mean and standard deviation.
func moments(_ values: [Int]) -> (mean: Double, deviation: Double) {
  let count = Double(values.count)
  let mean = values.reduce(0.0) { $0 + Double($1) } / count
  let square = values.reduce(0.0) { $0 + (Double($1) - mean) * (Double($1) - mean) } / count
  return (mean, square.squareRoot())
}
