// Where liblacuna.so lies.

import Glibc

/// Finds the library that is loaded into the traced program.
public enum LibraryLocator {
  /// The absolute path of `liblacuna.so`: `$LACUNA_LIBRARY`, beside the running command, or
  /// `../lib/lacuna` from there.
  public static func locate() throws(RecorderError) -> String {
    var tried: [String] = []
    for candidate in candidates() {
      guard let resolved = realpath(candidate, nil) else {
        tried.append(candidate)
        continue
      }
      defer { free(resolved) }
      let path = String(cString: resolved)
      guard !path.contains(where: { $0 == ":" || $0 == " " }) else {
        throw .libraryPathUnusable(path)
      }
      return path
    }
    throw .libraryNotFound(tried: tried)
  }

  private static func candidates() -> [String] {
    var paths: [String] = []
    if let named = getenv("LACUNA_LIBRARY") { paths.append(String(cString: named)) }
    if let own = realpath("/proc/self/exe", nil) {
      defer { free(own) }
      let directory = String(cString: own).split(separator: "/").dropLast().map { "/" + $0 }
        .joined()
      paths.append(directory + "/liblacuna.so")
      paths.append(directory + "/../lib/lacuna/liblacuna.so")
    }
    return paths
  }
}
