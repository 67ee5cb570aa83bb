// How compaction is written.

internal import MemoryUnits

extension Compaction {
  static let descriptions = [
    ParameterDescription(
      name: "compact", values: "none|sliding|two-finger", defaultValue: "none",
      help: "how live blocks are moved together"),
    ParameterDescription(
      name: "trigger", values: "failure|<1 to 99>%|every:<requests>", defaultValue: "failure",
      help: "moved when a request fits no hole, when holes take such a share, or so often"),
    ParameterDescription(
      name: "budget", values: "unlimited|<count from 1 to 1000000>", defaultValue: "unlimited",
      help: "moved in all: at most the bytes allocated so far divided by this"),
  ]

  init(_ reader: SettingReader) throws(HeapSpecificationError) {
    self.init()
    method = try reader.word("compact", among: Method.allCases) ?? method
    trigger = try Self.trigger(reader) ?? trigger
    if reader.settings["budget"]?.value != "unlimited" {
      budget = try reader.count("budget", 1, 1_000_000)
    }
  }

  private static func trigger(_ reader: SettingReader) throws(HeapSpecificationError) -> Trigger? {
    guard let setting = reader.settings["trigger"] else { return nil }
    let text = setting.value
    if text == "failure" { return .failure }
    if text.hasSuffix("%"), let share = number(text.dropLast()), share < 100 {
      return .share(share)
    }
    if text.hasPrefix("every:"), let count = number(text.dropFirst("every:".count)) {
      return .every(count)
    }
    throw reader.badValue("trigger", setting)
  }

  /// Plain digits of a positive number.
  private static func number(_ text: Substring) -> Int? {
    guard text.count <= 9, text.utf8.allSatisfy({ (48...57).contains($0) }) else { return nil }
    return Int(text).flatMap { $0 > 0 ? $0 : nil }
  }

  var texts: [String: String] {
    [
      "compact": method.rawValue, "trigger": trigger.text,
      "budget": budget.map { String($0) } ?? "unlimited",
    ]
  }
}

extension Compaction.Trigger {
  fileprivate var text: String {
    switch self {
    case .failure: "failure"
    case .share(let percent): "\(percent)%"
    case .every(let count): "every:\(count)"
    }
  }
}
