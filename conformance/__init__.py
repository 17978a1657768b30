"""Whether a server of SMTP keeps its RFCs: rules, what is lawful as a table, walks that tell a server's state, and verdicts.

Does no I/O: it speaks over a `Wire` that is passed in. Knows nothing about our own server.
"""
