"""Stores, which take messages: one with a journal, several that share mailboxes, and one that keeps nothing."""
