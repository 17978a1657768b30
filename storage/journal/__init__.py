"""The write-ahead log: where accepted messages are until they are in their mailboxes."""
