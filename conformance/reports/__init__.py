"""What a check has found, as text, JSON and other formats. Knows nothing about how it was found."""
