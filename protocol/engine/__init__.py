"""The engine: carries out the table of any dialect. Knows nothing about a particular dialect."""
