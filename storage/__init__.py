"""Users and mailboxes on disk. It has never heard of SMTP."""
