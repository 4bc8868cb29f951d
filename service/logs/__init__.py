"""Log lines as they arrive, what services usually log, and how unusual a minute was."""
