"""Signals as they travel and rest."""
