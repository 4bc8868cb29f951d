"""Benchmarks of Sunspot against its peers, on public data and the built-in brokerage."""
