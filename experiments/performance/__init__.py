"""Time and memory, beside the peer in the same run."""
