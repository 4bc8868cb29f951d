"""Names of the files and directories in the service's data directory."""

from __future__ import annotations

STORE = "store.sqlite"
HISTORY, LINES, SPANS = "history", "lines", "spans"
BUNDLES, RANKERS, LOG_BUNDLES = "bundles", "rankers", "log-bundles"
SCORING_CHECKPOINT, LOG_CHECKPOINT, PAGING_CHECKPOINT = "first-stage.state", "logs.state", "paging.state"
RANKED_CASES, CASES = "ranked-cases", "cases"
SPAN_CHECKPOINT = "spans.state"
ACCESS_MARKER = "access.closed"
