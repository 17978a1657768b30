"""Whatever a client says, it hears the same and the same mail is delivered, with TLS and without."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ..kit.esmtp_server import FROM, TO, esmtp
from ..kit.server import Server, Telnet
from ..kit.support import Kept
from ..kit.tls import Pem, trusting

# Whatever state this finds a session in, after it the session is over.
END = b"\r\n.\r\n*\r\nRSET\r\nQUIT\r\n"
MAIL = f"MAIL FROM:{FROM}\r\nRCPT TO:{TO}\r\n".encode()
PARTS = (
    b"EHLO me\r\n",
    b"HELO me\r\n",
    MAIL,
    MAIL + b"DATA\r\nhello\r\n..\r\n.\r\n",
    MAIL + b"DATA\r\nlone\n.\n\r\n.\r\n",
    MAIL + b"BDAT 6\r\n\r\n.\r\nxBDAT 3 LAST\r\ny\r\n",
    MAIL.replace(b">\r", b"> BODY=BINARYMIME\r", 1) + b"BDAT 5 LAST\r\n\0\n\r\xffz",
    b"RCPT TO:<babydoe@here.example>\r\n",
    b"RCPT TO:<nobody@here.example>\r\n",
    b"BDAT 7\r\nQUIT\r\n\r",
    b"DATA\r\n" + b"x" * 40_000 + b"\r\n.\r\n",
    b"AUTH PLAIN AGEAYg==\r\n",
    b"AUTH LOGIN\r\nYQ==\r\nYg==\r\n",
    b"RSET\r\n",
    b"NOOP\r\n",
    b"nonsense\r\n\r\n",
)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, pem: Pem) -> Iterator[Server]:
    """One that has the same to offer on both of its ports."""
    flags = ("--listen-tls", "127.0.0.1:0", "--hide-extension", "STARTTLS", "--auth-accept-any", "--auth-allow-insecure")
    directory: Path = tmp_path_factory.mktemp("same")
    with esmtp(directory, *flags, "--quiet", pem=pem) as server:
        yield server


def outcome(server: Server, client: Telnet, pieces: list[bytes]) -> tuple[bytes, dict[str, list[Kept]]]:
    """What the client hears, and what is new in the mailboxes then."""
    before = {name: len(server.mailbox(name)) for name in ("johndoe", "babydoe")}
    with client:
        for piece in pieces:
            client.send(piece)
        heard = b"\n".join(iter(client.hear, b""))
    return heard, {name: server.mailbox(name)[length:] for name, length in before.items()}


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(parts=st.lists(st.sampled_from(PARTS), max_size=8), size=st.sampled_from([7, 100, 1000, 70_000]))
def test_the_same_with_tls_and_without(server: Server, pem: Pem, parts: list[bytes], size: int) -> None:
    said = b"EHLO me\r\n" + b"".join(parts) + END
    pieces = [said[at : at + size] for at in range(0, len(said), size)]
    in_plain = outcome(server, Telnet(server.port), pieces)
    assert outcome(server, Telnet(server.tls_port).secure(trusting(pem)), pieces) == in_plain
    assert in_plain[0].startswith(b"220") and b"\n221" in in_plain[0]
