// Tests of Replay.
