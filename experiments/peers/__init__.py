"""Other tools that the benchmarks compare with Sunspot, each in its own environment."""
