"""The process that mail is fetched from, by POP3."""
