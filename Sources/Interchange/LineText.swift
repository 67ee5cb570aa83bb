// Fields of the text formats that other tools read and write.

/// One record of a table as text, after RFC 4180.
enum LineText {
  /// The fields of a record with commas between them; those that need it are quoted.
  static func csv(_ fields: [String]) -> String {
    fields.map(quoted).joined(separator: ",")
  }

  private static func quoted(_ field: String) -> String {
    guard field.utf8.contains(where: { [0x22, 0x2c, 0x0a, 0x0d].contains($0) }) else {
      return field
    }
    var result = "\""
    for character in field.unicodeScalars {
      if character == "\"" { result.unicodeScalars.append(character) }
      result.unicodeScalars.append(character)
    }
    return result + "\""
  }
}
