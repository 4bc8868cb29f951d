"""From scores to pages within a budget."""
