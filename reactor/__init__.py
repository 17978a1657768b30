"""Sockets, signals and deadlines on one `selectors` loop. Knows nothing about mail."""
