"""Probes beyond the order of commands, each a function with its own dialogues. Those that need no code are dialogue files.

Knows nothing about sockets.
"""
