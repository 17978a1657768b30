"""Users, mailboxes and the journal on disk. Has never heard of SMTP."""
