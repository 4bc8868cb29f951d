"""Loads models registered when their loader was called `models.ranker_pyfunc`."""

from models.artifacts.ranker_pyfunc import _load_pyfunc

__all__ = ["_load_pyfunc"]
