"""Which mailboxes there are, and whose password is whose."""
