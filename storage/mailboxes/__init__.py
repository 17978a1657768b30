"""The formats of mailboxes, mbox files and Maildirs: how messages are put into them and read from them."""
