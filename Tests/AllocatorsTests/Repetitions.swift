// How long random tests run: long ones are for machines that have the time.

import Glibc

/// The number of random sequences of a test: so many, or ten times as many where the environment
/// has LACUNA_LONG_TESTS.
func repetitions(_ count: Int) -> Int { getenv("LACUNA_LONG_TESTS") == nil ? count : count * 10 }
