// swift-tools-version: 6.2
// The rooms of Lacuna, lowest first: a target imports only what stands above it.

import PackageDescription

let strict: [SwiftSetting] = [
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .enableUpcomingFeature("InternalImportsByDefault"),
]

/// Exactly the interposed names may be visible: anything else of ours would replace parts of the
/// traced program.
let exports = "\(Context.packageDirectory)/Sources/InterposerEntry/exports.map"

func room(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
  .target(name: name, dependencies: dependencies, swiftSettings: strict)
}

func tests(
  _ name: String, _ dependencies: [Target.Dependency], exclude: [String] = []
) -> Target {
  .testTarget(
    name: name, dependencies: dependencies + ["TestSupport"], exclude: exclude,
    swiftSettings: strict)
}

let package = Package(
  name: "lacuna",
  products: [
    .executable(name: "lacuna", targets: ["lacuna"]),
    // Two products of one package may not share a name, but this file must be liblacuna.so. The
    // name becomes the path lib_/../liblacuna.so, which is just that.
    .library(name: "_/../liblacuna", type: .dynamic, targets: ["Interposer"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2")
  ],
  targets: [
    .systemLibrary(name: "CZlib", providers: [.apt(["zlib1g-dev"])]),
    .systemLibrary(name: "CZstd", providers: [.apt(["libzstd-dev"])]),
    .systemLibrary(name: "CSQLite", providers: [.apt(["libsqlite3-dev"])]),
    .systemLibrary(name: "CElf", providers: [.apt(["libelf-dev"])]),
    .target(name: "CDemangle", linkerSettings: [.linkedLibrary("stdc++")]),
    .target(name: "CLinux"),
    .target(name: "CProcessor"),

    .target(name: "CaptureABI"),
    .target(
      name: "InterposerEntry", dependencies: ["CaptureABI"], exclude: ["exports.map"],
      cSettings: [
        .unsafeFlags([
          "-O2", "-fno-omit-frame-pointer", "-momit-leaf-frame-pointer", "-fno-stack-protector",
        ])
      ]),
    .target(
      name: "Interposer", dependencies: ["CaptureABI", "InterposerEntry"],
      swiftSettings: [
        .enableExperimentalFeature("Embedded"),
        .unsafeFlags([
          "-wmo", "-O", "-enforce-exclusivity=unchecked", "-Xfrontend", "-function-sections",
          // There is no static runtime for Embedded Swift, and none is needed.
          "-no-static-stdlib",
        ]),
      ],
      linkerSettings: [
        .unsafeFlags([
          "-use-ld=lld", "-Xlinker", "--version-script=\(exports)", "-Xlinker", "-z", "-Xlinker",
          "now", "-Xlinker", "-z", "-Xlinker", "defs",
          "-Xlinker", "--gc-sections", "-Xlinker", "-soname=liblacuna.so",
        ])
      ]),

    room("MemoryUnits", []),
    room("Trace", ["CProcessor", "CZlib", "MemoryUnits"]),
    room("Interchange", ["CSQLite", "CZlib", "CZstd", "MemoryUnits", "Trace"]),
    room(
      "Recorder",
      ["CaptureABI", "CLinux", "MemoryUnits", "Trace"]),
    room("Symbols", ["CElf", "CDemangle", "MemoryUnits", "Trace"]),
    room("Allocators", ["MemoryUnits"]),
    room("Workload", ["Allocators", "MemoryUnits", "Trace"]),
    room("Replay", ["Allocators", "MemoryUnits", "Trace"]),
    room("Analysis", ["Allocators", "MemoryUnits", "Replay", "Symbols", "Trace"]),
    room("Report", ["Allocators", "Analysis", "MemoryUnits", "Trace"]),
    room("Terminal", []),
    .executableTarget(
      name: "lacuna",
      dependencies: [
        "Allocators", "Analysis", "Interchange", "MemoryUnits", "Recorder", "Replay", "Report",
        "Symbols", "Terminal", "Trace", "Workload",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      swiftSettings: strict),

    .target(
      name: "TestSupport", dependencies: ["Allocators", "MemoryUnits"], path: "Tests/TestSupport",
      swiftSettings: strict),
    tests("MemoryUnitsTests", ["MemoryUnits"]),
    tests("TraceTests", ["MemoryUnits", "Trace"]),
    tests(
      "InterchangeTests", ["CZlib", "Interchange", "MemoryUnits", "Trace"], exclude: ["Samples"]),
    tests("RecorderTests", ["CaptureABI", "MemoryUnits", "Recorder", "Trace"]),
    tests("SymbolsTests", ["MemoryUnits", "Symbols", "Trace"]),
    tests("AllocatorsTests", ["Allocators", "MemoryUnits", "Trace"]),
    tests("WorkloadTests", ["Allocators", "MemoryUnits", "Replay", "Trace", "Workload"]),
    tests("ReplayTests", ["Allocators", "MemoryUnits", "Replay", "Trace"]),
    tests(
      "AnalysisTests", ["Allocators", "Analysis", "MemoryUnits", "Replay", "Symbols", "Trace"]),
    tests("ReportTests", ["Allocators", "Analysis", "MemoryUnits", "Report", "Trace"]),
    tests("TerminalTests", ["Terminal"]),
    tests("CaptureTests", ["Allocators", "MemoryUnits", "Replay", "Symbols", "Trace"]),
    tests("CommandTests", ["MemoryUnits", "Trace"]),
  ]
)

// The fuzzer's program needs flags that nothing else may have: Scripts/fuzz sets this and them.
if Context.environment["LACUNA_FUZZ"] != nil {
  package.targets += [
    .systemLibrary(name: "CFuzzer", path: "Tests/Fuzz/CFuzzer"),
    .executableTarget(
      name: "Fuzz", dependencies: ["CFuzzer", "CZlib", "Interchange", "MemoryUnits", "Trace"],
      path: "Tests/Fuzz", exclude: ["CFuzzer"], swiftSettings: strict,
      linkerSettings: [.unsafeFlags(["-use-ld=lld"])]),
  ]
}
