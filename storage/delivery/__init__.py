"""From the journal into the mailboxes: queues, moving, doubts after a crash, and pacing."""
