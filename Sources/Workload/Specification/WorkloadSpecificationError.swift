// What is wrong with a workload specification, and at which character.

internal import Allocators

/// A specification that names no workload.
public struct WorkloadSpecificationError: Error, Equatable, Sendable, CustomStringConvertible {
  /// What is wrong and what to do about it, in one sentence or two.
  public var message: String
  /// The specification, at most its first thousand characters.
  public var text: String
  /// The offset in characters at which it goes wrong; the length of the text for its end.
  public var position: Int

  /// An error at a character of a text.
  public init(_ message: String, text: String, position: Int) {
    self.message = message
    self.text = text
    self.position = position
  }

  /// The message, and below it the text with a caret under the character.
  public var description: String {
    SpecificationProblem.text(message, in: text, at: position)
  }
}
