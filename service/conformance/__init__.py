"""The conformance kit as a program: sockets, the command line, and files. Knows nothing about what is right."""
