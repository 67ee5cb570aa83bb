// Text from a trace, made harmless to look at: names from binaries may hold anything.

extension String {
  /// The same text with every character that would act instead of being seen made visible.
  ///
  /// Control characters become their pictures (ESC becomes ␛), so that a function name cannot
  /// steer a terminal; marks that change the direction of text, and invisible ones, become their
  /// number in braces, so that a name cannot pretend to be another. Line breaks and tabs count as
  /// control characters: a name is one line.
  ///
  /// - Complexity: O(n).
  var visible: String {
    guard unicodeScalars.contains(where: { $0.actsInsteadOfBeingSeen }) else { return self }
    var result = String.UnicodeScalarView()
    for scalar in unicodeScalars {
      guard scalar.actsInsteadOfBeingSeen else {
        result.append(scalar)
        continue
      }
      if scalar.value == 0x7f {
        result.append("\u{2421}")
      } else if scalar.value < 0x20, let picture = Unicode.Scalar(0x2400 + scalar.value) {
        result.append(picture)
      } else {
        result.append(
          contentsOf: "{\(String(scalar.value, radix: 16, uppercase: true))}".unicodeScalars)
      }
    }
    return String(result)
  }
}

extension Unicode.Scalar {
  fileprivate var actsInsteadOfBeingSeen: Bool {
    switch properties.generalCategory {
    case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate: true
    default: false
    }
  }
}
