"""The dialect of RFC 5321 with its extensions."""
