"""Streams: listening sockets, connections, TLS, and the conversations on them."""
