"""Loads models registered when their loader was called `models.log_pyfunc`."""

from models.artifacts.log_pyfunc import _load_pyfunc

__all__ = ["_load_pyfunc"]
