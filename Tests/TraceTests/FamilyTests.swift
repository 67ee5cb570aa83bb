// When threads lived, and which traces belong together, as files say it.

import Glibc
import TestSupport
import Testing

@testable import Trace

@Suite struct FamilyTests {
  private let directory = TemporaryDirectory()

  @Test("lifetimes of threads: known, unknown, corrected, beside names")
  func lifetimes() throws {
    let writer = try TraceWriter(path: directory.file("trace"), metadata: TraceMetadata())
    func moment(_ value: UInt64) -> Timestamp { Timestamp(nanoseconds: value) }
    _ = writer.thread(ThreadDescription(kernelID: 1, name: "unknown"))
    _ = writer.thread(ThreadDescription(kernelID: 2, name: "begins", began: .zero))
    let third = writer.thread(ThreadDescription(kernelID: 3, name: "both", began: moment(700)))
    try writer.flush()
    writer.beginThread(third, at: moment(500))
    writer.renameThread(third, to: "renamed")
    writer.endThread(third, at: moment(1 << 60))
    writer.endThread(ThreadIndex(77), at: moment(1))
    writer.renameThread(third, to: "renamed again")
    try writer.finish()
    let file = try TraceFile(path: directory.file("trace"))
    #expect(file.isComplete)
    #expect(
      file.threads == [
        ThreadDescription(kernelID: 1, name: "unknown"),
        ThreadDescription(kernelID: 2, name: "begins", began: .zero),
        ThreadDescription(
          kernelID: 3, name: "renamed again", began: moment(500), ended: moment(1 << 60)),
      ])
  }

  @Test("a reader that does not know of lifetimes may ignore them")
  func ignorable() throws {
    let path = directory.file("trace")
    let writer = try TraceWriter(path: path, metadata: TraceMetadata())
    _ = writer.thread(ThreadDescription(kernelID: 1, name: "a", began: .zero))
    try writer.finish()
    // The entry of the section: its id, then stored and the flag, and three bytes of contents.
    let bytes = contents(of: path)
    let entry: [UInt8] = [SectionID.lifetimes.rawValue, 16, 3]
    #expect(bytes.indices.dropLast(2).contains { Array(bytes[$0..<$0 + 3]) == entry })
  }

  private func member(
    _ name: String, process: Int, parent: String, recording: String, root: String = "a.trace"
  ) throws {
    var metadata = TraceMetadata()
    metadata.parentTrace = parent
    metadata.rootTrace = root
    metadata.recordingID = recording
    metadata.startedAt = Double(process)
    let writer = try TraceWriter(path: directory.file(name), metadata: metadata)
    for index in 0..<70_000 as Range<UInt64> {
      writer.mark("\(index % 10)", thread: ThreadIndex(0), time: Timestamp(nanoseconds: index))
    }
    // Known at the end only: the last metadata hold.
    writer.metadata.processID = process
    try writer.finish()
  }

  @Test("a family is found beside the trace, whichever of its members is asked")
  func found() throws {
    try member("a.trace", process: 1, parent: "", recording: "x")
    try member("a.3.trace", process: 3, parent: "a.trace", recording: "x")
    try member("a.2.trace", process: 2, parent: "a.trace", recording: "x")
    try member("a.4.trace", process: 4, parent: "a.3.trace", recording: "x")
    // Left from an earlier recording, of another one, and no trace at all.
    try member("a.5.trace", process: 5, parent: "a.trace", recording: "w")
    try member("b.6.trace", process: 6, parent: "a.trace", recording: "x")
    write(Array("no trace".utf8), to: directory.file("a.7.trace"))
    mkfifo(directory.file("a.8.trace"), 0o600)
    mkdir(directory.file("a.9.trace"), 0o700)
    for name in ["a.trace", "a.2.trace", "a.3.trace", "a.4.trace"] {
      let file = try TraceFile(path: directory.file(name))
      let family = try #require(TraceFamily(of: file.path, metadata: file.metadata))
      #expect(family.members.map(\.trace) == ["a.trace", "a.2.trace", "a.3.trace", "a.4.trace"])
      #expect(family.members.map(\.metadata.processID) == [1, 2, 3, 4])
      #expect(family.own?.trace == name)
    }
    let third = try TraceFile(path: directory.file("a.3.trace"))
    let family = try #require(TraceFamily(of: third.path, metadata: third.metadata))
    #expect(family.parent?.trace == "a.trace")
    #expect(family.children.map(\.trace) == ["a.4.trace"])
    // Without the others it still says where it comes from.
    #expect(rename(directory.file("a.trace"), directory.file("other")) == 0)
    let orphan = try #require(TraceFamily(of: third.path, metadata: third.metadata))
    #expect(orphan.parent == nil)
    #expect(orphan.own?.metadata.parentTrace == "a.trace")
    #expect(TraceFamily(of: third.path, metadata: TraceMetadata()) == nil)
  }
}
