// What is wrong with a heap specification, and at which character.

/// A specification that names no heap.
public struct HeapSpecificationError: Error, Equatable, Sendable {
  /// What is wrong.
  public enum Reason: Equatable, Sendable {
    /// The text is longer than any specification needs to be.
    case tooLong(limit: Int)
    case missingName
    case unknownHeap(String, nearest: String?)
    /// Something stands below a heap that has its memory from the system.
    case bottom(String)
    /// Nothing stands below a layer that needs a heap below it.
    case bottomless(String)
    case tooManyLayers(limit: Int)
    /// A layer that cannot stand on that heap, and why.
    case unfit(String)
    case unknownParameter(String, of: String, nearest: String?)
    case repeatedParameter(String)
    /// A value that the parameter does not take; `allowed` says what it takes.
    case badValue(String, of: String, allowed: String)
    /// Something else stands where this should.
    case expected(String)
  }

  /// What is wrong.
  public var reason: Reason
  /// The specification, at most its first thousand characters.
  public var text: String
  /// The offset in characters at which it goes wrong; the length of the text for its end.
  public var position: Int

  /// An error at a character of a text.
  public init(_ reason: Reason, text: String, position: Int) {
    self.reason = reason
    self.text = text
    self.position = position
  }
}

extension HeapSpecificationError {
  /// What is wrong and what to do about it, in one sentence or two.
  public var message: String {
    switch reason {
    case .tooLong(let limit):
      return "a heap specification has at most \(limit) characters"
    case .missingName:
      return "expected the name of a heap; \(known)"
    case .unknownHeap(let name, let nearest):
      return
        "no heap is called '\(SpecificationProblem.plain(name))'\(SpecificationProblem.suggestion(nearest)); \(known)"
    case .bottom(let name):
      return "\(name) has its memory from the system; nothing can stand below it"
    case .bottomless(let name):
      return "\(name) needs a heap below it, as in \(name)/first-fit"
    case .tooManyLayers(let limit):
      return "a heap has at most \(limit) layers"
    case .unfit(let why):
      return why
    case .unknownParameter(let name, let heap, let nearest):
      let names = HeapCatalogue.heap(named: heap)?.parameters.map(\.name) ?? []
      let list = names.isEmpty ? "it takes none" : "it takes " + names.joined(separator: ", ")
      return
        "\(heap) has no setting '\(SpecificationProblem.plain(name))'\(SpecificationProblem.suggestion(nearest)); \(list)"
    case .repeatedParameter(let name):
      return "'\(name)' is set twice"
    case .badValue(let value, let name, let allowed):
      return "'\(SpecificationProblem.plain(value))' is no value of \(name), which is \(allowed)"
    case .expected(let what):
      return "expected \(what)"
    }
  }

  private var known: String {
    "the known heaps are " + HeapCatalogue.heaps.map(\.name).joined(separator: ", ")
  }
}

extension HeapSpecificationError: CustomStringConvertible {
  /// The message, and below it the text with a caret under the character.
  public var description: String {
    SpecificationProblem.text(message, in: text, at: position)
  }
}
