"""Alerts grouped into incidents, and each explained."""
