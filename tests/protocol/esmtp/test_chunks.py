"""CHUNKING and BINARYMIME (RFC 3030): content by BDAT."""

import pytest

from ...kit.esmtp import EHLO, FROM, TO, TO_RCPT, EsmtpClient


def test_the_example_of_rfc_3030_with_two_chunks() -> None:
    client = EsmtpClient()
    client.say(*TO_RCPT)
    assert client.send(b"BDAT 10\r\n0123456789") == [b"250 2.0.0 10 octets received"]
    assert client.send(b"BDAT 6 LAST\r\n.\r\n.\r\n") == [b"250 2.0.0 Message accepted for delivery"]
    assert client.contents == [b"0123456789.\r\n.\r\n"]


def test_pipelined_chunks_are_answered_in_order() -> None:
    client = EsmtpClient()
    client.say(EHLO, f"{FROM} body=binarymime", TO)
    replies = client.send(b"BDAT 2\r\n\n\0BDAT 0\r\nBDAT 1 LAST\r\n\rQUIT\r\n")
    assert [reply[:3] for reply in replies] == [b"250", b"250", b"250", b"221"]
    assert client.contents == [b"\n\0\r"] and client.store.verbatim == [True]


def test_an_empty_last_chunk_ends_the_message() -> None:
    client = EsmtpClient()
    client.say(*TO_RCPT)
    client.send(b"BDAT 3\r\nx\r\n")
    assert client.codes("bdat 0 last") == [250]
    assert client.contents == [b"x\r\n"] and client.store.verbatim == [False]


def test_binary_content_cannot_come_by_data_and_the_transaction_stays() -> None:
    client = EsmtpClient()
    assert client.say(EHLO, f"{FROM} body=binarymime", TO, "data")[0].startswith(b"503 5.5.1")
    assert client.send(b"BDAT 1 LAST\r\nx") == [b"250 2.0.0 Message accepted for delivery"]


@pytest.mark.parametrize("opening", [(), (EHLO,), (EHLO, FROM)])
def test_the_octets_of_a_refused_chunk_are_no_commands(opening: tuple[str, ...]) -> None:
    client = EsmtpClient()
    client.say(*opening)
    assert client.send(b"BDAT 13\r\nquit\r\nquit\r\n") == [], "its octets are not all here"
    replies = client.send(b"\nNOOP\r\n")
    assert [reply[:3] for reply in replies] == [b"503", b"250"]


@pytest.mark.parametrize("line", [b"BDAT 6 LSAT", b"BDAT 6 LAST x", b"bdat 00000000000000000000000006 6"])
def test_the_octets_of_a_bdat_that_is_written_wrongly_are_no_commands(line: bytes) -> None:
    client = EsmtpClient()
    client.say(*TO_RCPT)
    assert [reply[:3] for reply in client.send(line + b"\r\nquit\r\nNOOP\r\n")] == [b"501", b"250"]


def test_while_chunks_come_there_is_nothing_but_chunks_until_rset() -> None:
    client = EsmtpClient()
    client.say(*TO_RCPT, "bdat 0")
    for line in (FROM, TO, "data", "auth login", "starttls"):
        assert client.say(line)[0].startswith(b"503 5.5.1")
    assert client.codes("noop") == client.codes("rset") == [250]
    assert client.codes("bdat 0 last") == [503]
    assert client.boxes == {} and client.store.memory.abandoned == 1


def test_chunks_that_are_too_much_end_the_transaction_and_what_follows_is_read_and_refused() -> None:
    client = EsmtpClient(max_message_size=5)
    client.say(*TO_RCPT)
    assert client.send(b"BDAT 3\r\nabc") == [b"250 2.0.0 3 octets received"]
    replies = client.send(b"BDAT 3\r\ndefBDAT 6 LAST\r\nquit\r\nNOOP\r\n")
    assert [reply[:9] for reply in replies] == [b"552 5.3.4", b"503 5.5.1", b"250 2.0.0"]
    assert client.boxes == {}
    assert client.codes(FROM, TO, "bdat 0 last") == [250]
