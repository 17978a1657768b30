"""The envelope is what the server wrote, and nothing that the sender did."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from inbox.mime.envelope import Envelope, envelope_of, mail_of_entry, without_separator
from inbox.mime.header import header_at

OURS = b"""Return-Path: <ana@example.org>
Delivered-To: rui@example.net
Delivered-To: eva@example.net
Received: from client.example ([192.0.2.1])
	by mx.example.net (carteiro) with ESMTPS id 0f1e2d
	for <rui@example.net>; Thu, 26 Nov 2026 09:30:00 +0000
"""
CAME = datetime(2026, 11, 26, 9, 30, tzinfo=UTC)


def read(octets: bytes) -> Envelope:
    return envelope_of(octets, header_at(octets, 0))


def test_the_envelope_is_in_the_fields_of_the_server() -> None:
    assert read(OURS + b"\nbody") == Envelope(
        "ana@example.org", ("rui@example.net", "eva@example.net"), "client.example", "192.0.2.1", "ESMTPS", "0f1e2d", CAME
    )


def test_a_sender_cannot_write_it() -> None:
    theirs = b"Return-Path: <x@y>\nDelivered-To: z@y\nReceived: from a ([192.0.2.9]) by b (carteiro) with SMTP id c; x\n\n"
    assert read(OURS + theirs) == read(OURS + b"\n")


def test_an_empty_return_path_and_an_address_of_ipv6() -> None:
    octets = OURS.replace(b"<ana@example.org>", b"<>").replace(b"[192.0.2.1]", b"[IPv6:2001:db8::1]")
    assert read(octets).return_path == "" and read(octets).address == "2001:db8::1"


def test_a_received_field_of_another_server_says_only_when() -> None:
    assert read(b"Received: by other; Thu, 26 Nov 2026 09:30:00 +0000\n\n") == Envelope(came=CAME)


def test_the_separator_says_when_if_nothing_else_does() -> None:
    assert read(b"From ana@example.org Thu Nov 26 09:30:00 2026\nSubject: x\n\n") == Envelope(came=CAME)
    assert read(b"Subject: x\n\n") == Envelope() and read(b"") == Envelope()


def test_a_mail_is_taken_out_of_its_entry() -> None:
    entry = b"From a@b Thu Nov 26 09:30:00 2026\nA: b\n\n>From here\n>>From there\n> From\nx\n\n"
    assert mail_of_entry(entry) == b"From a@b Thu Nov 26 09:30:00 2026\nA: b\n\nFrom here\n>From there\n> From\nx\n"


@given(octets=st.binary(max_size=200))
def test_any_octets_have_an_envelope(octets: bytes) -> None:
    "".join([read(octets).return_path, *read(octets).delivered_to]).encode("utf-8")
    mail_of_entry(octets)


def test_the_separator_is_no_part_of_the_mail() -> None:
    mail = b"Subject: x\n\nFrom here\n"
    assert without_separator(b"From a@b Thu Nov 26 09:00:00 2026\n" + mail) == without_separator(mail) == mail
    assert without_separator(b"From: a@b\n\n") == b"From: a@b\n\n"
