"""What a mailbox looks like: mbox files and Maildirs, and how a message is put in one."""
