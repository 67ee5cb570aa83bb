// Tests of Symbols.
