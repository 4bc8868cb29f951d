"""Evidence against candidates, one module per kind; each is a pure function of a case."""
