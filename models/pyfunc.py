"""Loads models that were registered while their loader was called `models.pyfunc`."""

from models.artifacts.detector_pyfunc import _load_pyfunc

__all__ = ["_load_pyfunc"]
