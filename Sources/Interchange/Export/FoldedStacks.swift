// Folded stacks: one line a stack, as flamegraph.pl, inferno and speedscope read them.

/// Writes one of a profile's figures as folded stacks.
///
/// A line holds the functions of a stack, outermost first, with semicolons between them, a space and
/// the figure. Lines are in order of their bytes; stacks of the same functions are one line; those
/// without a figure are left out. Semicolons in names become colons.
public enum FoldedStacks {
  /// Writes the lines of a profile.
  public static func write(
    _ profile: HeapProfile, metric: HeapMetric, to sink: @escaping ByteSink
  ) throws {
    let names = profile.locations.map { location in
      location.lines.reversed().map { name($0.function) }.joined(separator: ";")
    }
    var lines: [String: Int64] = [:]
    for sample in profile.samples {
      let figure = sample.figures[metric]
      guard figure > 0 else { continue }
      let line = sample.stack.reversed().map { names[$0] }.joined(separator: ";")
      lines[line, default: 0] &+= figure
    }
    var stream = ByteOutput(to: sink)
    // Strings compare by canonical equivalence; lines are sorted as other tools sort them.
    for (line, figure) in lines.sorted(by: { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }) {
      stream.put(line)
      stream.put(UInt8(ascii: " "))
      stream.put(decimal: figure)
      stream.put(UInt8(ascii: "\n"))
      try stream.settle()
    }
    try stream.flush()
  }

  private static func name(_ function: String) -> String {
    guard function.utf8.contains(where: { $0 == UInt8(ascii: ";") || $0 < 0x20 }) else {
      return function
    }
    return String(function.map { $0 == ";" ? ":" : $0.asciiValue ?? 0x20 < 0x20 ? " " : $0 })
  }
}
