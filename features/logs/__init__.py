"""Features of log lines."""
