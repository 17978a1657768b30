"""Coverage-guided fuzzing of all that reads octets from outside; what it found is tried with every run of the tests."""
