"""Transcripts of all kinds become the same lines."""

import re

import pytest

from conformance.transcripts import Entry, Who, entries

MARKED = """# a comment
S: 220 mx.example
C: EHLO me
S: 250-mx.example
S: 250 STARTTLS
C: STARTTLS
S: 220 go
T:
C: DATA
S: 354 go
C: 250 apples
C:
C: .
S: 250 ok
"""
TELNET = """$ telnet mx.example 25
Trying 192.0.2.1...
Connected to mx.example.
Escape character is '^]'.
220 mx.example
EHLO me
250-mx.example
250 STARTTLS
STARTTLS
220 go
DATA
354 go
250 apples

.
250 ok
Connection closed by foreign host.
"""
SWAKS = """=== Trying 192.0.2.1:25...
=== Connected to 192.0.2.1.
<-  220 mx.example
 -> EHLO me
<-  250-mx.example
<-  250 STARTTLS
 -> STARTTLS
<-  220 go
=== TLS started with cipher x
 ~> DATA
<~  354 go
 ~> 250 apples
 ~> 
 ~> .
<~* 250 ok
=== Connection closed with remote host.
"""  # noqa: W291 (swaks has the blank)


def said(text: str) -> list[tuple[Who, str]]:
    return [(entry.who, entry.text) for entry in entries(text)]


@pytest.mark.parametrize("text", [MARKED, SWAKS, MARKED.replace("\n", "\r\n")])
def test_who_said_what(text: str) -> None:
    assert said(text) == [
        (Who.SERVER, "220 mx.example"), (Who.CLIENT, "EHLO me"), (Who.SERVER, "250-mx.example"),
        (Who.SERVER, "250 STARTTLS"),
        (Who.CLIENT, "STARTTLS"), (Who.SERVER, "220 go"), (Who.BOTH, ""), (Who.CLIENT, "DATA"), (Who.SERVER, "354 go"),
        (Who.CLIENT, "250 apples"), (Who.CLIENT, ""), (Who.CLIENT, "."), (Who.SERVER, "250 ok"),
    ]  # fmt: skip


def test_telnet_has_no_handshake() -> None:
    assert said(TELNET) == [entry for entry in said(MARKED) if entry[0] is not Who.BOTH]


def test_lines_are_numbered() -> None:
    assert entries(MARKED)[1] == Entry(Who.CLIENT, "EHLO me", 3)


def test_a_script_has_no_reply() -> None:
    assert said("EHLO me\nQUIT\n") == [(Who.CLIENT, "EHLO me"), (Who.CLIENT, "QUIT")]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "no line of a client"),
        ("220 mx.example\n", "no line of a client"),
        ("C: QUIT\nwhat?\n", "line 2: 'what?' has neither C: nor S:"),
    ],
)
def test_what_is_no_transcript(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=re.escape(why)):
        entries(text)
