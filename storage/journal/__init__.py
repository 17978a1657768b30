"""The write-ahead log: it holds accepted messages until they are in their mailboxes."""
