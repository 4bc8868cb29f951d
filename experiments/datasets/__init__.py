"""Loaders of public data sets, each in its public layout."""
