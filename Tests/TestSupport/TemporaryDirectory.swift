// A fresh directory for a test, gone when the test is over.

import Foundation

/// A directory of its own, removed with all that is in it when the last reference goes.
public final class TemporaryDirectory: Sendable {
  /// The directory.
  public let path: String

  /// Creates the directory; a machine on which that is not possible can run no test.
  public init() {
    let directory = FileManager.default.temporaryDirectory
      .appendingPathComponent("lacuna-test-\(UUID().uuidString)")
    do {
      try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    } catch {
      fatalError("no temporary directory: \(error)")
    }
    path = directory.path
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  /// The path of a file in the directory.
  public func file(_ name: String) -> String { path + "/" + name }
}
