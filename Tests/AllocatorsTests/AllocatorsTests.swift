// Tests of Allocators.
