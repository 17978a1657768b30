"""Other protocols on the port: HTTP, which any web page can have a browser speak, and the PROXY protocol."""

import pytest

from protocol.engine.foreign import is_foreign

from ...kit.esmtp import EHLO, TO_RCPT, EsmtpClient
from ...kit.support import TO_DATA, Client

FOREIGN = [
    b"GET / HTTP/1.1", b"POST /x?y=z HTTP/1.0", b"OPTIONS * HTTP/1.1", b"CONNECT mx.test:25 HTTP/1.1", b"PRI * HTTP/2.0",
    b"get /a b HTTP/1.1", b"FOO /bar HTTP/1.1", b"PROXY TCP4 192.0.2.1 192.0.2.2 4000 25", b"PROXY UNKNOWN",
    b"POST /" + b"x" * 2000 + b" HTTP/1.1", b"POST / HTTP/1.1\nHost: x\n\nEHLO x",
    b"get / http/1.1", b"GET / HTTP/1.1 \t", b"M-SEARCH * HTTP/1.1",
]  # fmt: skip
OURS = [b"GET", b"GET lost", b"POST / HTTP", b"PROXY", b"HTTP/1.1", b"x HTTP/1.1", b"", b"* / HTTP/1.1", b"y" * 2000]
DIALOGUE = b"helo x\r\nmail from:<a@b>\r\nrcpt to:<johndoe@here>\r\ndata\r\nx\r\n.\r\n"


@pytest.mark.parametrize("line", FOREIGN, ids=lambda line: line[:20].decode())
def test_who_speaks_another_protocol_is_not_listened_to(line: bytes) -> None:
    assert is_foreign(line)
    classic = Client()
    assert len(classic.hear()) == 1
    assert classic.send(line + b"\r\nHost: x\r\n\r\n" + DIALOGUE) == [b"500 Syntax error, command unrecognized"]
    assert classic.session.is_finished and classic.send(DIALOGUE) == [] and classic.store.boxes == {}
    esmtp = EsmtpClient()
    assert esmtp.send(line + b"\r\nHost: x\r\n\r\n" + DIALOGUE) == [
        b"421 4.7.0 mx.test closing connection, only SMTP is spoken here"
    ]
    assert esmtp.session.is_finished and esmtp.send(DIALOGUE) == [] and esmtp.boxes == {}
    assert esmtp.session.farewell == "another protocol"
    assert esmtp.log[0].startswith("speaks another protocol: b'")


@pytest.mark.parametrize("line", OURS, ids=lambda line: line[:20].decode())
def test_other_lines_are_refused_and_that_is_all(line: bytes) -> None:
    for client in (Client(), EsmtpClient()):
        client.hear()
        assert [reply[:3] for reply in client.send(line + b"\r\n")] == [b"500"]
        assert not client.session.is_finished


def test_also_in_the_middle_of_a_session_but_not_of_a_message() -> None:
    esmtp = EsmtpClient()
    esmtp.say(EHLO)
    assert esmtp.codes("GET / HTTP/1.1") == [421]
    esmtp = EsmtpClient()
    assert esmtp.codes(*TO_RCPT, "data", "GET / HTTP/1.1", ".") == [250]
    classic = Client()
    assert classic.codes(*TO_DATA, "GET / HTTP/1.1", ".") == [250]
