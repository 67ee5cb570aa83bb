// Callgrind: the format of KCachegrind and callgrind_annotate.

/// Writes a profile as a file of Callgrind (valgrind.org/docs/manual/cl-format.html).
///
/// Stacks become a graph: what a function asked for itself, and for each of its callees what was
/// asked for below. An edge counts once for a stack that goes through it several times. The calls of
/// an edge are the blocks that were begun below it.
public enum CallgrindProfile {
  private static let events: [(name: String, long: String, metric: HeapMetric)] = [
    ("LiveBytes", "Live bytes", .inuseSpace), ("LiveBlocks", "Live blocks", .inuseObjects),
    ("AllocBytes", "Bytes allocated", .allocSpace),
    ("AllocBlocks", "Blocks allocated", .allocObjects),
  ]

  /// Writes the graph of a profile.
  public static func write(
    _ profile: HeapProfile, creator: String, to sink: @escaping ByteSink
  ) throws {
    let graph = CallGraph(profile)
    var writer = Writer(stream: ByteOutput(to: sink))
    writer.put("# callgrind format\nversion: 1\ncreator: \(creator)\n")
    writer.put("cmd: \(profile.command.joined(separator: " ").onOneLine)\n")
    for comment in profile.comments { writer.put("desc: Note: \(comment.onOneLine)\n") }
    writer.put("desc: Moment: \(profile.moment)\npositions: line\n")
    for event in events { writer.put("event: \(event.name) : \(event.long)\n") }
    writer.put("events: \(events.map(\.name).joined(separator: " "))\n")
    writer.put("summary: \(costs(graph.total))\n")
    for function in graph.functions {
      writer.put("\n")
      writer.putName("ob", function.function.module)
      writer.putName("fl", function.function.file)
      writer.putName("fn", function.function.name)
      for (line, figures) in function.own.sorted(by: { $0.key < $1.key }) {
        writer.put("\(line) \(costs(figures))\n")
      }
      for call in function.calls {
        let callee = graph.functions[call.key.callee].function
        writer.putName("cob", callee.module)
        writer.putName("cfi", callee.file)
        writer.putName("cfn", callee.name)
        writer.put("calls=\(call.value.allocatedBlocks) \(call.key.calleeLine)\n")
        writer.put("\(call.key.line) \(costs(call.value))\n")
      }
      try writer.stream.settle()
    }
    writer.put("\ntotals: \(costs(graph.total))\n")
    try writer.stream.flush()
  }

  private static func costs(_ figures: HeapFigures) -> String {
    events.map { "\(figures[$0.metric])" }.joined(separator: " ")
  }

  /// Gives names numbers, so that each stands in the file once.
  private struct Writer {
    var stream: ByteOutput
    private var numbers: [String: [String: Int]] = ["ob": [:], "fl": [:], "fn": [:]]

    init(stream: ByteOutput) { self.stream = stream }

    mutating func put(_ text: String) { stream.put(text) }

    /// Callers' and callees' names are numbered together: `cfn` with `fn`, `cfi` with `fl`.
    mutating func putName(_ key: String, _ text: String) {
      let kind = key.hasSuffix("ob") ? "ob" : key.hasSuffix("fn") ? "fn" : "fl"
      let name = text.isEmpty ? "???" : text.onOneLine
      if let known = numbers[kind]?[name] { return put("\(key)=(\(known))\n") }
      let number = (numbers[kind]?.count ?? 0) + 1
      numbers[kind]?[name] = number
      put("\(key)=(\(number)) \(name)\n")
    }
  }
}

/// Who called whom, with what was asked for below.
struct CallGraph {
  struct Function: Hashable {
    var name: String
    var file: String
    var module: String
  }

  struct Call: Hashable {
    var callee: Int
    /// Where in the caller.
    var line: Int
    /// Where in the callee.
    var calleeLine: Int
  }

  struct Node {
    var function: Function
    /// What it asked for itself, by line.
    var own: [Int: HeapFigures] = [:]
    /// In the order in which they were met.
    var calls: [(key: Call, value: HeapFigures)] = []
    fileprivate var places: [Call: Int] = [:]
  }

  private(set) var functions: [Node] = []
  private(set) var total = HeapFigures()
  private var numbers: [Function: Int] = [:]

  init(_ profile: HeapProfile) {
    let shapes = FunctionStacks(profile)
    let numberOfLine = shapes.lines.map { number($0) }
    for sample in profile.samples where !sample.figures.areZero {
      let stack = shapes.functions(of: sample.stack)
      guard let innermost = stack.first else { continue }
      total += sample.figures
      let line = shapes.lines[innermost].line
      functions[numberOfLine[innermost]].own[line, default: HeapFigures()] += sample.figures
      var met: Set<[Int]> = []
      for (callee, caller) in zip(stack, stack.dropFirst())
      where met.insert([numberOfLine[caller], numberOfLine[callee], shapes.lines[caller].line])
        .inserted
      {
        let call = Call(
          callee: numberOfLine[callee], line: shapes.lines[caller].line,
          calleeLine: shapes.lines[callee].line)
        add(call, from: numberOfLine[caller], sample.figures)
      }
    }
  }

  private mutating func number(_ line: HeapProfile.Line) -> Int {
    let function = Function(name: line.function, file: line.file, module: line.module)
    if let known = numbers[function] { return known }
    numbers[function] = functions.count
    functions.append(Node(function: function))
    return functions.count - 1
  }

  private mutating func add(_ call: Call, from caller: Int, _ figures: HeapFigures) {
    if let place = functions[caller].places[call] {
      functions[caller].calls[place].value += figures
    } else {
      functions[caller].places[call] = functions[caller].calls.count
      functions[caller].calls.append((call, figures))
    }
  }
}

extension HeapFigures {
  static func += (sum: inout HeapFigures, more: HeapFigures) {
    sum.allocatedBlocks &+= more.allocatedBlocks
    sum.allocatedBytes &+= more.allocatedBytes
    sum.liveBlocks &+= more.liveBlocks
    sum.liveBytes &+= more.liveBytes
  }
}
