"""Experiments, one question per file, on public data or the built-in brokerage."""
