"""Spans: traces put together, summed by the minute, and what they usually sum to."""
