"""Ticks scored as they close: each series, then each flagged service."""
