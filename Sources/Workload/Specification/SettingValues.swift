// From settings as written to numbers within their bounds.

internal import Allocators
internal import MemoryUnits

/// The settings of one term, read by name.
///
/// Every function returns nil where the setting is not written, and throws where its value is none that
/// the catalogue allows.
struct SettingValues {
  /// A value as written, and where it stands in its text.
  struct Value {
    var text: String
    var position: Int
  }

  let owner: WorkloadDescription
  let place: SpecificationPlace
  /// Where the term begins.
  let position: Int
  var values: [String: Value] = [:]

  init(owner: WorkloadDescription, place: SpecificationPlace, position: Int) {
    self.owner = owner
    self.place = place
    self.position = position
  }

  func size(
    _ name: String, _ least: Int64, _ most: Int64
  ) throws(WorkloadSpecificationError) -> ByteCount? {
    guard let value = values[name] else { return nil }
    guard let size = ByteCount(parsing: value.text), (least...most).contains(size.rawValue) else {
      throw bad(name, value)
    }
    return size
  }

  func count(
    _ name: String, _ least: Int, _ most: Int
  ) throws(WorkloadSpecificationError) -> Int? {
    guard let value = values[name] else { return nil }
    guard let count = Int(value.text), (least...most).contains(count) else {
      throw bad(name, value)
    }
    return count
  }

  /// A whole number up to 100, with or without the sign.
  func percent(_ name: String) throws(WorkloadSpecificationError) -> Int? {
    guard let value = values[name] else { return nil }
    let digits = value.text.hasSuffix("%") ? value.text.dropLast() : value.text[...]
    guard let count = Int(digits), (0...100).contains(count) else { throw bad(name, value) }
    return count
  }

  /// A size that has to be written.
  func needed(_ name: String) throws(WorkloadSpecificationError) -> ByteCount {
    guard let size = try size(name, 1, SizeDistribution.largest.rawValue) else {
      throw missing(name)
    }
    return size
  }

  func missing(_ name: String) -> WorkloadSpecificationError {
    let names = owner.parameters.map { "\($0.name)=..." }.joined(separator: ",")
    return place.error("\(owner.name) needs \(name), as in \(owner.name)(\(names))", at: position)
  }

  /// A value that the setting does not take.
  func bad(_ name: String, _ value: Value) -> WorkloadSpecificationError {
    let allowed = owner.parameters.first { $0.name == name }?.values ?? ""
    return place.error(
      "'\(SpecificationProblem.plain(value.text))' is no value of \(name), which is \(allowed)",
      at: value.position)
  }

  /// The place of a value in the whole text.
  func place(of value: Value) -> SpecificationPlace {
    SpecificationPlace(place.text, offset: place.offset + value.position)
  }
}
