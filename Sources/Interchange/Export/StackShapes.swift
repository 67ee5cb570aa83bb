// Profiles seen as functions and not as addresses.

/// The functions of a profile, numbered, and its stacks in terms of them.
struct FunctionStacks {
  /// All functions with their lines, in order of first appearance.
  private(set) var lines: [HeapProfile.Line] = []
  /// For each location the indices of its lines: inlined ones first.
  let ofLocation: [[Int]]

  init(_ profile: HeapProfile) {
    var numbers: [HeapProfile.Line: Int] = [:]
    var lines: [HeapProfile.Line] = []
    ofLocation = profile.locations.map { location in
      location.lines.map { line in
        if let known = numbers[line] { return known }
        numbers[line] = lines.count
        lines.append(line)
        return lines.count - 1
      }
    }
    self.lines = lines
  }

  /// The functions of a stack of locations, innermost first.
  func functions(of stack: [Int]) -> [Int] { stack.flatMap { ofLocation[$0] } }
}

extension HeapProfile.Line {
  /// The place in the source as `file:line`, or the module; empty where neither is known.
  var place: String {
    if !file.isEmpty { return line > 0 ? "\(file):\(line)" : file }
    return module
  }
}

extension String {
  /// The text on one line: control characters become spaces.
  var onOneLine: String {
    guard utf8.contains(where: { $0 < 0x20 || $0 == 0x7f }) else { return self }
    var result = ""
    for scalar in unicodeScalars {
      result.unicodeScalars.append(scalar.value < 0x20 || scalar.value == 0x7f ? " " : scalar)
    }
    return result
  }
}
