"""Who people and senders are, and what each may do and see."""
