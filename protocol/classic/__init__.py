"""The dialect of the student prototype."""
