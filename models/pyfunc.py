"""Loads models registered when their loader was called `models.pyfunc`."""

from models.artifacts.detector_pyfunc import _load_pyfunc

__all__ = ["_load_pyfunc"]
