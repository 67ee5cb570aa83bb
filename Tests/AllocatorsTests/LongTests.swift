// Whether to try ten times as much.

import Foundation

enum LongTests {
  static let areWanted = ProcessInfo.processInfo.environment["LACUNA_LONG_TESTS"] != nil
}
