"""Messages to people, and how they are sent."""
