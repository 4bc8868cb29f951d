"""From log lines to numbers."""
