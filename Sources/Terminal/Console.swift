// Writing to the standard streams, where the reader may leave early.

import Glibc

/// Why output could not be written.
public enum ConsoleError: Error, Hashable, Sendable {
  /// Whoever read the output has stopped reading, as `head` does: end quietly.
  case readerGone
  /// The system's reason, as an `errno`: a full disk, say.
  case failed(Int32)
}

extension ConsoleError: CustomStringConvertible {
  /// The reason as a clause of a sentence.
  public var description: String {
    switch self {
    case .readerGone: "nobody reads the output any more"
    case .failed(let code): "cannot write the output: " + String(cString: strerror(code))
    }
  }
}

/// Writes to one of the standard streams, at once and without a buffer: give it whole reports.
///
/// A reader that leaves is no error of ours. Where `SIGPIPE` has its default effect the process ends
/// by it, as every Unix tool does; where it is ignored, ``ConsoleError/readerGone`` is thrown.
public struct Console: Sendable {
  /// The file descriptor that is written to.
  public let descriptor: Int32
  /// What the stream can show.
  public let traits: TerminalTraits

  /// A console on a standard stream.
  public init(_ stream: OutputStream, color: ColorChoice = .auto) {
    descriptor = stream.rawValue
    traits = .detect(stream, color: color)
  }

  /// A console on any descriptor.
  public init(descriptor: Int32, traits: TerminalTraits) {
    self.descriptor = descriptor
    self.traits = traits
  }

  /// Puts styles on text as this stream allows.
  public var styler: Styler { Styler(traits) }

  /// Writes all of `text`.
  public func write(_ text: String) throws(ConsoleError) {
    try write(bytes: Array(text.utf8))
  }

  /// Writes all of `bytes`.
  public func write(bytes: [UInt8]) throws(ConsoleError) {
    try bytes.withUnsafeBufferPointer { (bytes) throws(ConsoleError) in
      try write(bytes: UnsafeRawBufferPointer(bytes))
    }
  }

  /// Writes all of `bytes`.
  public func write(bytes: UnsafeRawBufferPointer) throws(ConsoleError) {
    var rest = bytes
    while !rest.isEmpty {
      let count = Glibc.write(descriptor, rest.baseAddress, rest.count)
      if count >= 0 {
        rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(count))
        continue
      }
      switch errno {
      case EINTR: continue
      case EAGAIN: waitUntilWritable()
      case EPIPE: throw .readerGone
      default: throw .failed(errno)
      }
    }
  }

  /// For descriptors that somebody else has made non-blocking.
  private func waitUntilWritable() {
    var ready = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
    _ = poll(&ready, 1, 1000)
  }
}
