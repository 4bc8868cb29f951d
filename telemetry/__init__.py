"""Signals on their way in and on disk."""
