"""Common violations of RFC 5321's grammar that the server tolerates, each with a name and the words for the log.

Knows nothing about how they are found.
"""

from enum import Enum


class Tolerance(Enum):
    """A tolerated violation: words for the log, the section that forbids it, and what to send instead."""

    __hash__ = object.__hash__

    def __init__(self, words: str, section: str, instead: bytes) -> None:
        self.words = words
        self.section = section
        self.instead = instead

    BLANKS = "blanks or tabs where none may be", "RFC 5321 section 3.3", b"no blanks before, in or around it"
    NO_BRACKETS = (
        "an address without angle brackets",
        "RFC 5321 section 4.1.2",
        b"an address stands in angle brackets: <user@host>",
    )
    NO_DOMAIN = "an address without a domain", "RFC 5321 section 4.1.2", b"an address needs a domain: <user@host>"
    DOTS = (
        "a local-part with dots in a row, or at its beginning or end",
        "RFC 5321 section 4.1.2",
        b'a local-part with such dots stands in quotes: <"a..b"@host>',
    )
    COLON = (
        "a local-part with a colon in it",
        "RFC 5321 section 4.1.2",
        b'a local-part with a colon stands in quotes: <"a:b"@host>',
    )
    UNDERSCORE = (
        "a domain with an underscore",
        "RFC 5321 section 2.3.5",
        b"a domain has letters, digits and hyphens, no underscore",
    )
    FINAL_DOT = "a domain with a dot at its end", "RFC 5321 section 2.3.5", b"a domain has no dot at its end: <user@host>"
    HELLO_NAME = (
        "EHLO or HELO with a name that is no domain",
        "RFC 5321 section 4.1.1.1",
        b"the name is a domain or an address literal",
    )
    HELLO_WORDS = (
        "EHLO or HELO with words behind the name",
        "RFC 5321 section 4.1.1.1",
        b"only an address literal may have words behind it",
    )
