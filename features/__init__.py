"""From signals to numbers, without side effects."""
