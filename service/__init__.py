"""Composition: the only room that imports the others. It wires them into programs."""

VERSION = "0.1.0"
