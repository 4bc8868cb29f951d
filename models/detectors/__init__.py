"""What is learned to tell an anomaly from normal."""
