"""Masks secrets and personal data in texts, before they are stored, mined or shown."""
