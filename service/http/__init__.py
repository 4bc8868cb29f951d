"""What every request and answer has in common: bodies, security, problems, the server itself."""
