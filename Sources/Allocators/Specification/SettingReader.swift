// From settings as written to settings that a heap can work with.

internal import MemoryUnits

/// The settings of one layer, read by name, each within its bounds.
///
/// Every function returns nil where the setting is not written, and throws where its value is none
/// that the catalogue allows.
struct SettingReader {
  /// A setting as written, and where its value stands.
  struct Setting {
    var value: String
    var position: Int
  }

  let heap: HeapDescription
  let settings: [String: Setting]
  let parser: SpecificationParser

  func size(
    _ name: String, _ least: Int64, _ most: Int64
  ) throws(HeapSpecificationError) -> ByteCount? {
    guard let setting = settings[name] else { return nil }
    guard let size = ByteCount(parsing: setting.value), size.rawValue >= least,
      size.rawValue <= most
    else { throw badValue(name, setting) }
    return size
  }

  func powerOfTwo(_ name: String, _ most: Int64) throws(HeapSpecificationError) -> ByteCount? {
    guard let size = try size(name, 1, most), let setting = settings[name] else { return nil }
    guard size.rawValue & (size.rawValue - 1) == 0 else { throw badValue(name, setting) }
    return size
  }

  func count(_ name: String, _ least: Int, _ most: Int) throws(HeapSpecificationError) -> Int? {
    guard let setting = settings[name] else { return nil }
    guard let count = Int(setting.value), count >= least, count <= most else {
      throw badValue(name, setting)
    }
    return count
  }

  /// One of a few words.
  func word(
    _ name: String, among words: [String]
  ) throws(HeapSpecificationError) -> String? {
    guard let setting = settings[name] else { return nil }
    guard words.contains(setting.value) else { throw badValue(name, setting) }
    return setting.value
  }

  /// One of the cases of an enumeration, by its raw value.
  func word<Word: RawRepresentable<String>>(
    _ name: String, among words: [Word]
  ) throws(HeapSpecificationError) -> Word? {
    try word(name, among: words.map(\.rawValue)).flatMap(Word.init(rawValue:))
  }

  /// That a setting has a value that it does not take.
  func badValue(_ name: String, _ setting: Setting) -> HeapSpecificationError {
    let allowed = heap.parameters.first { $0.name == name }?.values ?? ""
    return parser.error(
      .badValue(setting.value, of: name, allowed: allowed), at: setting.position)
  }
}
