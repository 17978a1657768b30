"""An index over mailboxes: a cache of what is in them, and marks, which are none. Knows nothing about HTTP."""
