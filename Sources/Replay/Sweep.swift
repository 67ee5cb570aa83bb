// Many heaps over one decode of a trace, on all cores.

import Dispatch
public import Trace

/// Takes the steps of a trace, batch by batch, in order.
///
/// Only one thread at a time calls it, but not always the same one.
public protocol BatchConsumer: AnyObject, Sendable {
  func consume(_ batch: UnsafeBufferPointer<Request>)
}

/// Feeds one stream of steps to any number of consumers.
///
/// Decoding fills one buffer while all consumers work on the other, each on a thread of its own
/// where there are enough cores. What is dynamic happens once per batch; inside it each consumer
/// runs code made for its heap.
public enum Sweep {
  /// Steps in a batch: enough that handing it over costs nothing, few enough to stay in the cache.
  static var batchCount: Int { 32768 }

  /// Runs the whole stream that `read` supplies through all consumers.
  ///
  /// Returns when every consumer has taken every step that was read; when `read` fails, that are
  /// the steps before the failure.
  public static func run<E: Error>(
    _ consumers: [any BatchConsumer],
    reading read: (_ body: (UnsafeBufferPointer<Request>) -> Void) throws(E) -> Void
  ) throws(E) {
    var feed = Feed(consumers: consumers)
    do {
      try read { feed.append($0) }
    } catch {
      feed.finish()
      throw error
    }
    feed.finish()
  }

  /// The two buffers, and the consumers that are working on one of them.
  private struct Feed: ~Copyable {
    let consumers: [any BatchConsumer]
    private let group = DispatchGroup()
    private let queue = DispatchQueue.global(qos: .userInitiated)
    private var filling = UnsafeMutablePointer<Request>.allocate(capacity: batchCount)
    private var working = UnsafeMutablePointer<Request>.allocate(capacity: batchCount)
    private var count = 0

    init(consumers: [any BatchConsumer]) { self.consumers = consumers }

    deinit {
      filling.deallocate()
      working.deallocate()
    }

    mutating func append(_ requests: UnsafeBufferPointer<Request>) {
      var rest = requests[...]
      while !rest.isEmpty {
        let part = rest.prefix(batchCount - count)
        guard let source = UnsafeBufferPointer(rebasing: part).baseAddress else { return }
        (filling + count).update(from: source, count: part.count)
        count += part.count
        rest = rest.dropFirst(part.count)
        if count == batchCount { handOver() }
      }
    }

    mutating func finish() {
      handOver()
      group.wait()
    }

    private mutating func handOver() {
      group.wait()
      guard count > 0 else { return }
      swap(&filling, &working)
      let batch = Batch(requests: UnsafeBufferPointer(start: working, count: count))
      for consumer in consumers {
        queue.async(group: group) { consumer.consume(batch.requests) }
      }
      count = 0
    }
  }

  /// A batch on its way to other threads, which only read it until the group has been waited for.
  private struct Batch: @unchecked Sendable {
    let requests: UnsafeBufferPointer<Request>
  }
}
