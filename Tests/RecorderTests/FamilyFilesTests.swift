// What the traces of a family are called, and what the lobby makes of what stands in it.

import CaptureABI
import Glibc
import TestSupport
import Testing

@testable import Recorder

@Suite struct FamilyFilesTests {
  @Test("the process id goes before the extension, and a reused one gets a count")
  func names() {
    var files = FamilyFiles(first: "/tmp/no.such/build.trace")
    #expect(files.path(process: 1234) == "/tmp/no.such/build.1234.trace")
    #expect(files.path(process: 1234) == "/tmp/no.such/build.1234-2.trace")
    #expect(files.path(process: 1234) == "/tmp/no.such/build.1234-3.trace")
    #expect(files.path(process: 7) == "/tmp/no.such/build.7.trace")
    var bare = FamilyFiles(first: "build")
    #expect(bare.path(process: 7) == "build.7")
    var hidden = FamilyFiles(first: "some.dir/.trace")
    #expect(hidden.path(process: 7) == "some.dir/.trace.7")
    var odd = FamilyFiles(first: "a.7.trace")
    #expect(odd.path(process: 7) == "a.7.7.trace")
    var clash = FamilyFiles(first: "a.trace")
    #expect(clash.path(process: 8) == "a.8.trace")
    var device = FamilyFiles(first: "/dev/null")
    #expect(device.path(process: 8) == "/dev/null")
  }

  @Test("the lobby answers who asks, and takes back the places of the dead")
  func lobby() throws {
    let lobby = try Lobby()
    let path = try #require(lobby.path.split(separator: "#").first)
    let descriptor = open(String(path), O_RDWR)
    try #require(descriptor >= 0)
    #expect(lobby.isInUse)
    let mapped = mmap(
      nil, Int(LACUNA_LOBBY_BYTES), PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0)
    let shared = try #require(mapped).assumingMemoryBound(to: lacuna_lobby.self)
    close(descriptor)
    // A mapping alone counts too.
    #expect(lobby.isInUse)
    #expect(lobby.requests().isEmpty)
    let slot = try #require(lacuna_slot(shared, 5))
    slot.pointee.owner = UInt32(getpid())
    slot.pointee.kind = 1
    slot.pointee.ancestor = 99
    slot.pointee.phase = UInt32(LACUNA_JOIN_ASKED)
    let requests = lobby.requests()
    #expect(requests.count == 1)
    #expect(requests.first?.process == getpid())
    #expect(requests.first?.isFork == true)
    #expect(requests.first?.ancestor == 99)
    lobby.reclaim()
    #expect(slot.pointee.owner == UInt32(getpid()))
    if let request = requests.first { lobby.answer(request, 17) }
    #expect(slot.pointee.phase == UInt32(LACUNA_JOIN_ANSWERED))
    #expect(slot.pointee.answer == 17)
    // No process has such an id.
    slot.pointee.owner = 0x7fff_fff0
    lobby.reclaim()
    #expect(slot.pointee.owner == 0)
    munmap(mapped, Int(LACUNA_LOBBY_BYTES))
    #expect(!lobby.isInUse)
    lobby.shut()
    #expect(!lobby.isAboutToBeUsed)
  }
}
