"""SMTP as bytes in and bytes out: tables, replies, sessions. No socket, file, clock or log is touched here."""
