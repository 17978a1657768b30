"""Tests of POP3, without a network."""
