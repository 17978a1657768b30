"""What takes messages: a store with a journal, several that share mailboxes, and one that keeps nothing."""
