"""Cases: everything a ranker may look at for one incident, in memory and on disk."""
