"""Names of the files and directories in the service's data directory."""

from __future__ import annotations

STORE = "store.sqlite"
HISTORY, LINES = "history", "lines"
BUNDLES, RANKERS, LOG_BUNDLES = "bundles", "rankers", "log-bundles"
SCORING_CHECKPOINT, LOG_CHECKPOINT, PAGING_CHECKPOINT = "first-stage.state", "logs.state", "paging.state"
RANKED_CASES, CASES = "ranked-cases", "cases"
ACCESS_MARKER = "access.closed"
