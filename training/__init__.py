"""Offline jobs: fit on history, track every run, promote what is no worse."""
