"""Alerts and change events as others send them, read into ours."""
