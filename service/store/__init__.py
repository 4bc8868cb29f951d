"""State that survives a crash, in SQLite behind small classes: the only package with SQL."""
