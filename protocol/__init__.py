"""SMTP as bytes in and bytes out: tables, replies, sessions. This room touches no socket, file, clock or log."""
