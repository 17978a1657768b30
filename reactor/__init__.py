"""Sockets, signals and deadlines on one `selectors` loop. It has never heard of mail."""
