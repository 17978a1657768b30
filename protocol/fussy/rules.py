"""The rules of the RFCs that clients break: a row each, with an id that never changes, like those of the kit for servers.

Knows nothing about how a breach is found.
"""

from typing import Literal, NamedTuple

from ..esmtp.tolerance import Tolerance

Level = Literal["MUST", "SHOULD", "note"]


class Rule(NamedTuple):
    """What a client did, and what it should do."""

    id: str
    """The RFC, the section, and a word."""
    level: Level
    """How the RFC asks for it; note: it is allowed, or asked for by no word of RFC 2119, and still worth knowing."""
    words: str
    instead: str

    @property
    def section(self) -> str:
        """The RFC and its section, for people."""
        rfc, section, _ = self.id.split("-", 2)
        return f"RFC {rfc} section {section}"


# fmt: off
_ROWS: tuple[tuple[str, Level, str, str], ...] = (
    # Lines
    ("5321-2.3.8-bare-lf",            "MUST",   "ended a command line with LF alone, or had one in it",
                                                "end each line with CRLF"),
    ("5321-2.3.8-bare-cr",            "MUST",   "had a CR without an LF in a command line",
                                                "send CR only before LF"),
    ("5321-2.3.8-bare-lf-text",       "MUST",   "had an LF without a CR in mail data",
                                                "send each line end of a message as CRLF"),
    ("5321-2.3.8-bare-cr-text",       "MUST",   "had a CR without an LF in mail data",
                                                "send each line end of a message as CRLF"),
    ("5321-4.5.3.1.4-command-line",   "MUST",   "sent a command line that is too long",
                                                "send at most 512 octets, CRLF included, and what extensions add"),
    ("5321-4.5.3.1.6-text-line",      "MUST",   "sent a line of mail data of more than 998 octets",
                                                "fold the header, and encode text with long lines (quoted-printable)"),
    ("5321-2.4-eight-bit-command",    "MUST",   "sent octets beyond ASCII in a command",
                                                "use SMTPUTF8 for addresses, and the xn-- form in EHLO"),
    ("5321-4.1.1-trailing-blanks",    "note",   "had blanks before the end of a command line",
                                                "end the line behind the last word"),
    # Order, and waiting
    ("5321-4.3.1-before-greeting",    "SHOULD", "spoke before it was greeted",
                                                "wait for the 220"),
    ("5321-4.1.4-hello-first",        "MUST",   "began without EHLO, or did not repeat it after STARTTLS",
                                                "send EHLO first, and again after STARTTLS"),
    ("5321-4.1.4-nested-mail",        "MUST",   "sent MAIL in a mail transaction",
                                                "send RSET first, or end the message"),
    ("5321-3.3-mail-first",           "MUST",   "sent RCPT or content before MAIL",
                                                "begin with MAIL"),
    ("5321-3.3-no-recipient",         "MUST",   "sent content before any RCPT",
                                                "name at least one recipient first"),
    ("5321-2.1-not-waiting",          "MUST",   "sent a command before the reply to the last one, without PIPELINING",
                                                "wait for each reply, unless EHLO's answer lists PIPELINING"),
    ("2920-3.1-not-last",             "MUST",   "sent more behind a command that must be the last of a group",
                                                "wait for the reply to EHLO, DATA, VRFY, EXPN and NOOP"),
    ("5321-4.1.1.4-content-early",    "MUST",   "sent mail data before the 354",
                                                "wait for the 354; anything else means that the commands go on"),
    ("5321-4.1.1.10-no-quit",         "MUST",   "closed the connection without QUIT",
                                                "send QUIT, and wait for the 221"),
    ("5321-4.1.1.10-behind-quit",     "MUST",   "sent more behind QUIT",
                                                "wait for the 221, and close"),
    ("3207-4-behind-starttls",        "MUST",   "sent more behind STARTTLS, in the clear",
                                                "wait for the 220, then begin the handshake"),
    ("3207-4.2-again",                "MUST",   "sent STARTTLS under TLS",
                                                "send it once"),
    ("4954-4-again",                  "MUST",   "sent AUTH when it was authenticated",
                                                "authenticate once in a session"),
    ("4954-4-in-transaction",         "MUST",   "sent AUTH in a mail transaction",
                                                "authenticate before MAIL"),
    ("3030-2-between-chunks",         "MUST",   "sent another command of a transaction between chunks",
                                                "send BDAT until LAST, or RSET"),
    ("3030-3-binary-data",            "MUST",   "sent a BINARYMIME message with DATA",
                                                "use BDAT"),
    # Extensions
    ("3030-2-not-offered",            "MUST",   "sent BDAT, though CHUNKING was not offered",
                                                "look for CHUNKING in the answer to EHLO, else use DATA"),
    ("3207-4-not-offered",            "MUST",   "sent STARTTLS, though it was not offered",
                                                "look for STARTTLS in the answer to EHLO"),
    ("4954-4-not-offered",            "MUST",   "sent AUTH, or a mechanism, that was not offered",
                                                "look for AUTH and the mechanism in the answer to EHLO"),
    ("5321-4.1.1.11-not-offered",     "MUST",   "used a parameter of an extension that was not offered",
                                                "look for the extension in the answer to EHLO"),
    ("6152-3-eight-bit",              "MUST",   "sent octets beyond ASCII without BODY=8BITMIME",
                                                "say BODY=8BITMIME in MAIL, or encode the message"),
    ("1870-6.1-size",                 "note",   "sent more octets than it had declared with SIZE",
                                                "declare the size with CRLF at each line end"),
    # Syntax
    ("5321-4.1.1-unknown",            "MUST",   "sent a line that is no command",
                                                "send commands of RFC 5321, and those of extensions that are offered"),
    ("5321-4.1.1-syntax",             "MUST",   "sent a command with a wrong argument",
                                                "see the reply, and the section that has the command's syntax"),
    ("5321-4.5.2-dots",               "MUST",   "sent a line of mail data that begins with a single dot",
                                                "put a second dot before it; the server takes one away"),
    ("5321-4.5.3.1.1-local-part",     "MUST",   "sent an address with a local-part of more than 64 octets",
                                                "use a shorter one"),
    ("5321-4.5.3.1.3-path",           "MUST",   "sent a path of more than 256 octets",
                                                "use a shorter one"),
    ("5321-4.1.1.3-source-route",     "SHOULD", "sent a source route",
                                                "send the mailbox alone: <user@host>"),
    ("5321-3.3-blanks",               "MUST",   "had blanks or tabs where none may be",
                                                "send MAIL FROM:<user@host>, with no blank behind the colon"),
    ("5321-4.1.2-brackets",           "MUST",   "sent an address without angle brackets",
                                                "send <user@host>"),
    ("5321-4.1.2-no-domain",          "MUST",   "sent an address without a domain",
                                                "send <user@host>"),
    ("5321-4.1.2-dots",               "MUST",   "sent a local-part with dots in a row, or at its beginning or end",
                                                'quote it: <"a..b"@host>'),
    ("5321-4.1.2-colon",              "MUST",   "sent a local-part with a colon",
                                                'quote it: <"a:b"@host>'),
    ("5321-2.3.5-underscore",         "MUST",   "sent a domain with an underscore",
                                                "use letters, digits and hyphens"),
    ("5321-2.3.5-final-dot",          "MUST",   "sent a domain with a dot at its end",
                                                "leave the dot out"),
    ("5321-4.1.1.1-hello-name",       "MUST",   "called itself by a name that is no domain",
                                                "send the host's name, or its address as [192.0.2.1]"),
    ("5321-4.1.1.1-hello-words",      "MUST",   "had words behind its name in EHLO or HELO",
                                                "send the name alone"),
)
# fmt: on

RULES = {row[0]: Rule(*row) for row in _ROWS}
"""All rules by their ids."""

OF_TOLERANCES = {
    Tolerance.BLANKS: "5321-3.3-blanks",
    Tolerance.NO_BRACKETS: "5321-4.1.2-brackets",
    Tolerance.NO_DOMAIN: "5321-4.1.2-no-domain",
    Tolerance.DOTS: "5321-4.1.2-dots",
    Tolerance.COLON: "5321-4.1.2-colon",
    Tolerance.UNDERSCORE: "5321-2.3.5-underscore",
    Tolerance.FINAL_DOT: "5321-2.3.5-final-dot",
    Tolerance.HELLO_NAME: "5321-4.1.1.1-hello-name",
    Tolerance.HELLO_WORDS: "5321-4.1.1.1-hello-words",
}
"""The rule that each violation breaks which the grammar tolerates."""
