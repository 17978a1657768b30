"""The classic dialect, that of the student prototype."""
