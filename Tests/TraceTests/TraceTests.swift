// Tests of Trace.
