"""Connections: listening, sockets, TLS, and the conversations on them."""
