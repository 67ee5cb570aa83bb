// The fuzzer's program: Scripts/fuzz builds and runs it.
//
// LACUNA_FUZZ_TARGET names what is fed: `trace`, or a format that can be imported. With
// LACUNA_FUZZ_SEEDS it writes traces to begin with into that directory instead.

import CFuzzer
import Glibc
import Interchange

@main
enum Fuzz {
  static func main() {
    if let directory = variable("LACUNA_FUZZ_SEEDS") { return SeedTraces.write(to: directory) }
    let target = variable("LACUNA_FUZZ_TARGET") ?? ""
    guard target == "trace" || ImportFormat(rawValue: target) != nil else {
      let known = (["trace"] + ImportFormat.allCases.map(\.rawValue)).joined(separator: " ")
      print("LACUNA_FUZZ_TARGET takes one of: \(known)")
      exit(64)
    }
    var count = CommandLine.argc
    var arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? = CommandLine.unsafeArgv
    exit(
      LLVMFuzzerRunDriver(&count, &arguments) { data, size in
        let bytes = [UInt8](UnsafeBufferPointer(start: data, count: size))
        Fuzz.feed(bytes)
        return 0
      })
  }

  static func variable(_ name: String) -> String? {
    getenv(name).map { String(cString: $0) }
  }

  /// Gives the bytes to what is under test, which must neither trap nor hang.
  static func feed(_ bytes: [UInt8]) {
    switch variable("LACUNA_FUZZ_TARGET").flatMap(ImportFormat.init(rawValue:)) {
    case .some(let format): ImportTarget.feed(bytes, format)
    case .none: TraceTarget.feed(bytes)
    }
  }
}
