"""Bundles fetched by their alias, and swapped in without a pause."""
