"""Configuration items and the graph of what depends on what."""
