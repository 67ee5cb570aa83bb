// Reading workload specifications: name, or name(key=value,...), where values may be of that form too.

internal import Allocators
internal import MemoryUnits

/// A recursive-descent parser of workload specifications.
///
///     specification = term
///     term          = name [ "(" [ setting { "," setting } ] ")" ]
///     setting       = name "=" value
///     value         = count | size | percent | path | heap | term | sum
///     sum           = [ weight "*" ] term { "+" [ weight "*" ] term }
///
/// Spaces may stand between all parts. What a value is depends on the setting; a path has no comma and
/// no parenthesis that is not closed.
struct WorkloadParser {
  private var cursor: SpecificationCursor

  init(_ text: some StringProtocol) { cursor = SpecificationCursor(text) }

  /// The settings of one term, with what reads them.
  struct Term {
    var description: WorkloadDescription
    var settings: SettingValues
  }

  mutating func parse() throws(WorkloadSpecificationError) -> WorkloadKind {
    let whole = cursor
    func error(_ message: String, at position: Int) -> WorkloadSpecificationError {
      WorkloadSpecificationError(message, text: whole.text, position: position)
    }
    if cursor.isTooLong {
      throw error(
        "a workload specification has at most \(SpecificationCursor.limit) characters",
        at: cursor.count)
    }
    let term = try Self.term(
      &cursor, "workload", WorkloadCatalogue.workloads, SpecificationPlace(cursor.text))
    cursor.skipSpaces()
    guard cursor.isAtEnd else {
      throw error(
        cursor.lastTaken == ")" ? "expected the end" : "expected '(' or the end",
        at: cursor.position)
    }
    if let shape = WorkloadShape(rawValue: term.description.name) {
      return .synthetic(shape, try SyntheticParameters(term.settings))
    }
    return .robson(try RobsonParameters(term.settings))
  }

  /// A name of a list with its settings.
  static func term(
    _ cursor: inout SpecificationCursor, _ noun: String, _ known: [WorkloadDescription],
    _ place: SpecificationPlace
  ) throws(WorkloadSpecificationError) -> Term {
    cursor.skipSpaces()
    let start = cursor.position
    let name = cursor.word(endingAt: "()=,+*/")
    let list = known.map(\.name)
    let all = "there are " + list.joined(separator: ", ")
    if name.isEmpty {
      throw place.error("expected the name of a \(noun); \(all)", at: start)
    }
    guard let description = known.first(where: { $0.name == name }) else {
      let nearest = SpecificationProblem.nearest(name, among: list)
      throw place.error(
        "no \(noun) is called '\(SpecificationProblem.plain(name))'"
          + SpecificationProblem.suggestion(nearest) + "; \(all)", at: start)
    }
    let settings = try settings(&cursor, of: description, place, start)
    return Term(description: description, settings: settings)
  }

  private static func settings(
    _ cursor: inout SpecificationCursor, of owner: WorkloadDescription, _ place: SpecificationPlace,
    _ start: Int
  ) throws(WorkloadSpecificationError) -> SettingValues {
    var settings = SettingValues(owner: owner, place: place, position: start)
    guard cursor.take("(") else { return settings }
    if cursor.take(")") { return settings }
    let names = owner.parameters.map(\.name)
    while true {
      cursor.skipSpaces()
      let start = cursor.position
      let name = cursor.word(endingAt: "()=,+*/")
      guard names.contains(name) else {
        let list = names.isEmpty ? "it takes none" : "it takes " + names.joined(separator: ", ")
        let nearest = SpecificationProblem.nearest(name, among: names)
        throw place.error(
          "\(owner.name) has no setting '\(SpecificationProblem.plain(name))'"
            + SpecificationProblem.suggestion(nearest) + "; \(list)", at: start)
      }
      if settings.values[name] != nil { throw place.error("'\(name)' is set twice", at: start) }
      guard cursor.take("=") else { throw place.error("expected '='", at: cursor.position) }
      cursor.skipSpaces()
      let valueStart = cursor.position
      var value = cursor.nested()
      while value.last?.isWhitespace ?? false { value.removeLast() }
      if value.isEmpty { throw place.error("expected a value of \(name)", at: valueStart) }
      settings.values[name] = SettingValues.Value(text: value, position: valueStart)
      if cursor.take(")") { return settings }
      guard cursor.take(",") else {
        throw place.error("expected ',' or ')'", at: cursor.position)
      }
    }
  }
}

/// Where a part of a specification stands in the whole, so that errors point into the whole.
struct SpecificationPlace {
  let text: String
  var offset = 0

  init(_ text: String, offset: Int = 0) {
    self.text = text
    self.offset = offset
  }

  func error(_ message: String, at position: Int) -> WorkloadSpecificationError {
    WorkloadSpecificationError(message, text: text, position: position + offset)
  }
}
