"""Composition: the one room that imports the others, and wires them into programs."""

VERSION = "0.1.0"
