"""What is found, and what is not."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inbox.mime.message import message
from inbox.search.matching import Kept, matches
from inbox.search.query import Not, Query, parse

OCTETS = """Return-Path: <bounce@example.org>
Received: by mx; Thu, 26 Nov 2026 09:30:00 +0000
From: Ana Prado <ana@example.org>
To: Rui Melo <rui@example.net>
Cc: eva@example.com
Bcc: hidden@example.com
Reply-To: answers@example.org
Subject: =?utf-8?q?Relat=C3=B3rio_de_novembro?=
Message-ID: <01@example.org>
Date: Wed, 25 Nov 2026 00:00:00 +0000
Content-Type: multipart/mixed; boundary=b

--b
Content-Type: text/plain; charset=utf-8

O relatório está em 100%_pronto.
Segue em anexo.
--b
Content-Type: image/png; name=foto.png
Content-Disposition: attachment

x
--b--
""".encode()
KEPT = Kept(message(OCTETS), is_read=False, tags=("Urgent",))

FOUND = [
    "relatório",
    "RELATÓRIO de",
    "relato\u0301rio",
    '"em anexo"',
    "100%_pronto",
    "foto.png",
    "hidden@",
    "from:ana",
    'from:"Ana Prado"',
    'from:"prado <ana@"',
    "to:rui@example.net",
    "cc:eva",
    "bcc:hidden",
    "reply-to:answers",
    "addressed:eva addressed:ana addressed:rui addressed:hidden addressed:answers",
    'subject:"de novembro"',
    "message-id:01@",
    "tag:urgent",
    "is:unread is:tagged",
    "has:attachment -has:inline",
    "after:2026-11-26 before:2026-11-27",
    "after:2026-11-26T09:30 before:2026-11-26T09:31",
    f"larger:{len(OCTETS) - 1} smaller:{len(OCTETS) + 1}",
    "-eventually -from:rui !is:read",
]
NOT_FOUND = [
    "rélatorio",
    '"novembro de"',
    "100%pronto",
    "1__%",
    "from:rui",
    "cc:ana",
    "addressed:bounce",
    "subject:anexo",
    "tag:urg",
    "is:read",
    "has:inline",
    "before:2026-11-26",
    "before:2026-11-26T09:30",
    "after:2026-11-26T09:31",
    f"larger:{len(OCTETS)}",
    f"smaller:{len(OCTETS)}",
    "-ana",
    "ana nobody",
]


@pytest.mark.parametrize("query", FOUND)
def test_a_message_is_found(query: str) -> None:
    assert matches(parse(query), KEPT)


@pytest.mark.parametrize("query", NOT_FOUND)
def test_a_message_is_not_found(query: str) -> None:
    assert not matches(parse(query), KEPT)


def test_a_message_without_a_date_is_older_than_any() -> None:
    kept = Kept(message(b"\nx"), is_read=True)
    assert matches(parse("before:1900-01-01 is:read -is:tagged"), kept)
    assert matches(parse("after:2026-11-27"), Kept(message(b"\nx", datetime(2026, 11, 27, tzinfo=UTC))))


@given(first=st.sampled_from(FOUND + NOT_FOUND), second=st.sampled_from(FOUND + NOT_FOUND))
def test_all_terms_must_hold_and_not_is_the_contrary(first: str, second: str) -> None:
    assert matches(parse(f"{first} {second}"), KEPT) == (matches(parse(first), KEPT) and matches(parse(second), KEPT))
    terms = parse(first).terms
    if len(terms) == 1 and not isinstance(terms[0], Not):
        assert matches(Query((Not(terms[0]),)), KEPT) != matches(Query(terms), KEPT)
