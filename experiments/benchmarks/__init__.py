"""Sunspot beside its peers, on public data and on the built-in brokerage."""
