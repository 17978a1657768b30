"""Who has a mailbox, and who may say that it is his."""
