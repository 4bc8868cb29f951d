"""Other tools that the benchmarks run beside Sunspot, each in an environment of its own."""
