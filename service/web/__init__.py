"""The page and its API as processes beside the server: wiring of inbox/, web/ and the mailboxes of storage/."""
