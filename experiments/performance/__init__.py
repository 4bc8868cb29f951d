"""Time and memory, compared with the peer in the same run."""
