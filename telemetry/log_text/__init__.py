"""What raw log lines look like: their levels, times, fields, headers and forms."""
