// Fields of the text formats that other tools read and write.

/// One record of a table as text, after RFC 4180.
enum LineText {
  /// The fields of a record with commas between them; those that need it are quoted.
  static func csv(_ fields: [String]) -> String {
    fields.map(quoted).joined(separator: ",")
  }

  /// Whether a field stands in quotes.
  static func needsQuotes(_ field: String) -> Bool {
    for byte in field.utf8 {
      switch byte {
      case 0x22, 0x2c, 0x0a, 0x0d: return true
      default: continue
      }
    }
    return false
  }

  private static func quoted(_ field: String) -> String {
    guard needsQuotes(field) else { return field }
    var result = "\""
    for character in field.unicodeScalars {
      if character == "\"" { result.unicodeScalars.append(character) }
      result.unicodeScalars.append(character)
    }
    return result + "\""
  }
}
