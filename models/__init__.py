"""What is learned from history, and what it says of a case."""
