"""The files in this folder are held word for word, with a Session and with bin/smtpd over a socket.

Those in its folder esmtp/ are in that dialect; for pop3/ see test_pop3_dialogues.py. In a file, `C: ` is a line of the
client (CRLF is added), `B: ` are octets of the client as they are, `S: ` is a line of the server, `name| ` a line of what is
then in that mailbox, `T:` the TLS handshake, `F: ` flags that the server is started with, `#` a comment. `\\x00` and the
like are escapes in `C:`, `B:` and mailboxes.
"""

import re
import shlex
from collections.abc import Callable
from itertools import zip_longest
from pathlib import Path
from typing import Any, NamedTuple

import bcrypt
import pytest

from protocol.classic.table import CLASSIC
from protocol.engine.environment import Policy
from protocol.esmtp.table import ESMTP, STRICT_ESMTP

from ..kit.server import Server, Telnet
from ..kit.support import Client, as_stored
from ..kit.tls import Pem, trusting

PLACE = Path(__file__).parent
FILES = sorted(path for path in PLACE.rglob("*.txt") if path.parent.name != "pop3")
EVERY_FILE = pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(PLACE).with_suffix("").as_posix())
HANDSHAKE = b"the handshake"


class Step(NamedTuple):
    """What the client sends, and what the server says then."""

    sent: bytes
    replies: list[bytes]


class Dialogue(NamedTuple):
    """The first step is the greeting: nothing is sent."""

    flags: list[str]
    steps: list[Step]
    boxes: dict[str, bytes]


def octets(text: str) -> bytes:
    return text.encode().decode("unicode_escape").encode("latin-1")


def read(path: Path) -> Dialogue:
    dialogue = Dialogue([], [Step(b"", [])], {})
    for row in path.read_text().splitlines():
        kind, _, text = row.partition(" ")
        if kind in ("C:", "B:", "T:"):
            sent = HANDSHAKE if kind == "T:" else octets(text) + b"\r\n" * (kind == "C:")
            dialogue.steps.append(Step(sent, []))
        elif kind == "S:":
            dialogue.steps[-1].replies.append(text.encode())
        elif kind == "F:":
            dialogue.flags.extend(shlex.split(text))
        elif kind.endswith("|"):
            dialogue.boxes[kind[:-1]] = dialogue.boxes.get(kind[:-1], b"") + octets(text) + b"\n"
        else:
            assert not kind or kind.startswith("#"), row
    return dialogue


def know_johndoe(name: bytes, secret: bytes, answer: Callable[[bool | None], None]) -> Callable[[], None]:
    answer((name, secret) == (b"johndoe", b"secret"))
    return lambda: None


TERMS: dict[str, dict[str, Any]] = {
    "--tls-cert CERT --tls-key KEY": {"has_tls": True},
    "--auth-file AUTH": {"authenticate": know_johndoe},
    "--auth-allow-insecure": {"authenticates_in_clear": True},
    "--require-tls": {"requires_tls": True},
    "--require-auth": {"requires_authentication": True},
    "--domain here.example": {"domains": frozenset([b"here.example"])},
    "--max-recipients 2": {"max_recipients": 2},
    "--max-messages 2": {"max_messages": 2},
    "--vrfy": {"verifies": True},
    "--bare-newline normalize": {"mends_newlines": True},
    "--postmaster babydoe": {"postmaster": lambda: "babydoe"},
    "--strict-syntax": {},
    "--domain b.example --domain my_host": {"domains": frozenset([b"b.example", b"my_host"])},
}
"""What the flags of the dialogues mean to a Session, but for --hide-extension."""


def terms_of(flags: list[str]) -> Policy:
    text = " ".join(flags)
    hidden = re.findall(r"--hide-extension (\S+)", text)
    meant = [flag for flag in TERMS if flag in text]
    assert sum(len(flag.split()) for flag in meant) + 2 * len(hidden) == len(flags), f"TERMS does not know all of {text}"
    policy = Policy(postmaster=lambda: "johndoe", hidden=frozenset(map(str.upper, hidden)))
    return policy._replace(**{name: value for flag in meant for name, value in TERMS[flag].items()})


@EVERY_FILE
@pytest.mark.parametrize("is_cut", [False, True], ids=["line by line", "octet by octet"])
def test_with_a_session(path: Path, is_cut: bool) -> None:
    flags, (greeting, *steps), boxes = read(path)
    esmtp = STRICT_ESMTP if "--strict-syntax" in flags else ESMTP
    dialect = CLASSIC if path.parent == PLACE else esmtp
    client = Client(dialect, max_message_size=2000, policy=terms_of(flags))
    assert client.hear() == greeting.replies
    for step, following in zip_longest(steps, steps[1:]):
        if step.sent == HANDSHAKE:
            client.session.secured()
            heard = client.hear()
        elif is_cut and not (following and following.sent == HANDSHAKE):  # no plain text ever comes after that line
            heard = [reply for octet in step.sent for reply in client.send(bytes([octet]))]
        else:
            heard = client.send(step.sent)
        assert heard == step.replies, step.sent
    found = {name: b"".join(as_stored(kept.content) for kept in box) for name, box in client.store.boxes.items()}
    assert found == boxes


@EVERY_FILE
def test_with_the_server(path: Path, pem: Pem, tmp_path: Path) -> None:
    flags, (greeting, *steps), boxes = read(path)
    auth_file = tmp_path / "auth.txt"
    auth_file.write_bytes(b"johndoe:" + bcrypt.hashpw(b"secret", bcrypt.gensalt(4)))
    places = {"CERT": str(pem.cert), "KEY": str(pem.key), "AUTH": str(auth_file)}
    flags = ["--dialect", "classic" if path.parent == PLACE else "esmtp", *(places.get(flag, flag) for flag in flags)]
    common = ("--hostname", "mx.test", "--max-message-size", "2000")
    with Server(tmp_path, *common, *flags) as server, Telnet(server.port) as client:
        assert [client.hear()] == greeting.replies
        for step in steps:
            if step.sent == HANDSHAKE:
                client.secure(trusting(pem))
            else:
                client.send(step.sent)
            assert [client.hear() for _ in step.replies] == step.replies, step.sent
        found = {name: b"".join(kept.content for kept in server.mailbox(name)) for name in boxes}
        assert found == boxes
        assert {path.stem for path in server.mail_dir.iterdir()} == {".journal", *boxes}
        assert "Traceback" not in server.log


def test_there_are_dialogues() -> None:
    assert len(FILES) >= 40
