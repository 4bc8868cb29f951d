"""Bundles that training saves and the service loads, and their names in MLflow."""
