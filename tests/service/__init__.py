"""Tests of service/: what is wired, in this process, without a program around it."""
