"""Offline jobs: fit, evaluate, track, promote."""
