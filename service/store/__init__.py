"""What must survive a crash: SQLite behind small classes, the only place that knows SQL."""
