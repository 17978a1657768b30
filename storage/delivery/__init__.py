"""Delivery from the journal into mailboxes: queues, moving, doubts after a crash, and pacing."""
