"""Sunspot's own pages: decided, held to budgets, delivered."""
