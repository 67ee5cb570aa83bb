// Asking the recorder for a segment, and what names its descriptors under /proc.

import CaptureABI
import InterposerEntry

/// A slot of the lobby that this process has taken.
struct LobbySlot {
  private let lobby: UnsafeMutablePointer<lacuna_lobby>
  private let slot: UnsafeMutablePointer<lacuna_join>

  /// Waits for a free slot; nil when the recorder is gone.
  init?(_ lobby: UnsafeMutablePointer<lacuna_lobby>, owner: Int32) {
    self.lobby = lobby
    while true {
      for index in 0..<Int32(LACUNA_JOIN_SLOTS) {
        let candidate = lacuna_slot(lobby, index).unsafelyUnwrapped
        if lacuna_swap32(&candidate.pointee.owner, 0, UInt32(bitPattern: owner)) != 0 {
          slot = candidate
          return
        }
      }
      guard Self.isOpen(lobby) else { return nil }
      sleep(nanoseconds: 500_000)
    }
  }

  /// Asks, and sleeps until there is an answer: a descriptor of the recorder, or nil.
  func ask(kind: Int, ancestor: Int32) -> Int32? {
    slot.pointee.kind = UInt32(truncatingIfNeeded: kind)
    slot.pointee.ancestor = ancestor
    slot.pointee.parent = Int32(truncatingIfNeeded: systemCall(SystemCall.getppid))
    slot.pointee.answer = -1
    lacuna_store32(&slot.pointee.phase, UInt32(LACUNA_JOIN_ASKED))
    _ = lacuna_add32(&lobby.pointee.bell, 1)
    let wake = 1
    withUnsafeMutablePointer(to: &lobby.pointee.bell) {
      _ = systemCall(SystemCall.futex, Int(bitPattern: $0), wake, 1)
    }
    while lacuna_load32(&slot.pointee.phase) != UInt32(LACUNA_JOIN_ANSWERED) {
      guard Self.isOpen(lobby) else { return nil }
      waitForAnswer()
    }
    return slot.pointee.answer >= 0 ? slot.pointee.answer : nil
  }

  /// Sleeps until the recorder wakes this process, at most a fiftieth of a second.
  private func waitForAnswer() {
    let wait = 0
    var limit = (0, 20_000_000)
    withUnsafeMutablePointer(to: &limit) { limit in
      withUnsafeMutablePointer(to: &slot.pointee.phase) {
        _ = systemCall(
          SystemCall.futex, Int(bitPattern: $0), wait, LACUNA_JOIN_ASKED, Int(bitPattern: limit))
      }
    }
  }

  func release() {
    lacuna_store32(&slot.pointee.phase, 0)
    lacuna_store32(&slot.pointee.owner, 0)
  }

  private static func isOpen(_ lobby: UnsafeMutablePointer<lacuna_lobby>) -> Bool {
    lacuna_load32(&lobby.pointee.closed) == 0 && isAlive(lobby.pointee.recorder_pid)
  }
}

/// A short text built without memory of the heap.
private struct ShortText {
  private var bytes: InlineArray<64, CChar> = InlineArray(repeating: 0)
  private var count = 0

  mutating func append(_ text: StaticString) {
    for index in 0..<text.utf8CodeUnitCount { put(CChar(bitPattern: text.utf8Start[index])) }
  }

  mutating func append(_ number: Int32) {
    var divisor: Int32 = 1
    while number / divisor >= 10 { divisor = divisor &* 10 }
    while divisor > 0 {
      put(CChar(truncatingIfNeeded: 0x30 &+ number / divisor % 10))
      divisor = divisor / 10
    }
  }

  private mutating func put(_ character: CChar) {
    guard count < 63 else { return }
    bytes[count] = character
    count &+= 1
  }

  mutating func withPointer<R>(_ body: (UnsafePointer<CChar>) -> R) -> R {
    withUnsafePointer(to: &bytes) {
      body(UnsafeRawPointer($0).assumingMemoryBound(to: CChar.self))
    }
  }
}

/// Opens a descriptor of another process, closed on exec; a negative error where that fails.
func openDescriptor(_ descriptor: Int32, of process: Int32) -> Int {
  var path = ShortText()
  path.append("/proc/")
  path.append(process)
  path.append("/fd/")
  path.append(descriptor)
  return path.withPointer { openReadWrite($0) }
}

/// The number that a symbolic link consists of; -1 where it is none.
func number(ofLink link: StaticString) -> Int32 {
  var text: (UInt64, UInt64) = (0, 0)
  return withUnsafeMutableBytes(of: &text) { buffer in
    let length = systemCall(
      SystemCall.readlink, Int(bitPattern: link.utf8Start),
      Int(bitPattern: buffer.baseAddress.unsafelyUnwrapped), 16)
    guard length > 0, length < 12 else { return -1 }
    var value: Int32 = 0
    for index in 0..<length {
      guard buffer[index] >= 0x30, buffer[index] <= 0x39 else { return -1 }
      value = value &* 10 &+ Int32(buffer[index] &- 0x30)
    }
    return value
  }
}
