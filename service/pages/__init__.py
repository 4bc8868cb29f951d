"""Pages that a person reads, rendered here, with nothing fetched from elsewhere."""
