// When the writer adds keyframes, and the parts of the index that it writes on the way.

/// When the last keyframe was written, and when the next may be.
struct KeyframeSchedule {
  /// Steps between two keyframes at least; tests of small traces need fewer.
  var stepsBetween = KeyframeRule.stepsBetween
  /// Times the size of a keyframe by which the file must have grown.
  var growth = KeyframeRule.growth
  var lastStep: UInt64 = 0
  var lastBytes = 0
  /// Nobody begins to read at the end.
  var isOver = false
}

extension TraceWriter {
  /// Writes keyframes after so many steps, whatever they cost; for tests of small traces.
  package func setKeyframes(every steps: UInt64) {
    keyframes.stepsBetween = max(1, steps)
    keyframes.growth = 0
  }

  /// Begins another part of the index after so many chunks; for tests of small traces.
  package func setIndexParts(of chunks: Int) { output.setIndexParts(of: max(2, chunks)) }

  /// Writes what lives now, if the last time is long ago.
  ///
  /// A keyframe is due when 2^22 steps were written since the one before and the file grew by 32
  /// times what this one will take, at 8 bytes for each live block. How much the file grew is asked of
  /// a place that is surely written already, so that the same steps make the same file.
  func writeKeyframeIfDue() {
    guard stepsWritten - keyframes.lastStep >= keyframes.stepsBetween,
      !keyframes.isOver,
      state.pointee.columns.nextAllocation < 1 << 44
    else { return }
    let written = output.settledBytes
    let cost = state.pointee.blocks.count * KeyframeRule.bytesPerBlock
    guard written - keyframes.lastBytes >= cost * keyframes.growth else { return }
    keyframes.lastStep = stepsWritten
    keyframes.lastBytes = written
    var head = KeyframeHead()
    head.nextAllocation = state.pointee.columns.nextAllocation
    head.nanoseconds = state.pointee.nanoseconds
    head.openReallocations = state.pointee.totals.openReallocations
    head.hasEarlierBlocks = state.pointee.totals.hasEarlierBlocks
    head.hasImage = state.pointee.totals.hasImage
    var header = tableHeader(.keyframe)
    // Nothing else depends on them: readers of before there were any do without.
    header.flags = ChunkHeader.maySkipFlag
    output.finishKeyframe(
      RawKeyframe(
        head: head, held: state.pointee.held, usableRule: state.pointee.columns.usableRule,
        blocks: state.pointee.blocks.copy(), unusual: state.pointee.blocks.copyUnusual()),
      header)
  }
}
