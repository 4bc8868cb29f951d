"""Models learned from history: detectors, paging, evidence and rankers."""
