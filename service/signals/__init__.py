"""Signals as they arrive, and the recent window of them that everything online looks at."""
