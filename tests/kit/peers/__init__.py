"""Other servers of SMTP, as they are published: for `bin/smtpcheck`, and for its page.

`python -m tests.kit.peers > docs/conformance.md` checks all that are here, and makes the page. A server is here if its
program is on PATH, or in one of the usual folders below a directory that SMTP_PEERS names: so packages that cannot be
installed beside one another can be unpacked there.
"""
