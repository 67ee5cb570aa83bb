// Records of comma-separated text.

import Testing

@testable import Interchange

@Suite struct LineTextTests {
  @Test func fieldsAreQuotedWhereTheyMustBe() {
    #expect(LineText.csv(["a", "", "b c"]) == "a,,b c")
    #expect(
      LineText.csv(["x,y", "say \"so\"", "two\nlines"])
        == "\"x,y\",\"say \"\"so\"\"\",\"two\nlines\"")
  }
}
