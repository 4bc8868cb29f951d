"""What can be held against a candidate, one module per kind; each a pure function of a case."""
