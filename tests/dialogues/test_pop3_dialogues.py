"""The files in the folder pop3/ are held word for word with a session: line by line, octet by octet, all at once, under TLS.

In a file, `C: ` is a line of the client (CRLF is added), `B: ` are octets of the client as they are, `S: ` is a line of the
server, `T:` the TLS handshake, `N| ` a line of message number N, `left:` the ids of what is in the mailbox at the end, `#` a
comment. `\\x00` and the like are escapes in `B:`.
"""

from pathlib import Path
from typing import NamedTuple

import pytest

from ..kit.pop3 import Outside, PopClient

FILES = sorted((Path(__file__).parent / "pop3").glob("*.txt"))
EVERY_FILE = pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
HANDSHAKE = b"the handshake"


class Dialogue(NamedTuple):
    """What the client sends and the server then says, step by step; the first step is the greeting. What was in the
    mailbox, and what is left there.
    """

    steps: list[tuple[bytes, bytes]]
    messages: dict[int, bytes]
    left: list[str]

    @property
    def has_handshake(self) -> bool:
        return HANDSHAKE in dict(self.steps)


def read(path: Path) -> Dialogue:
    dialogue = Dialogue([(b"", b"")], {}, [])
    for row in path.read_text().splitlines():
        kind, _, text = row.partition(" ")
        if kind == "C:":
            dialogue.steps.append((text.encode() + b"\r\n", b""))
        elif kind == "B:":
            dialogue.steps.append((text.encode().decode("unicode_escape").encode("latin-1"), b""))
        elif kind == "T:":
            dialogue.steps.append((HANDSHAKE, b""))
        elif kind == "S:":
            sent, said = dialogue.steps[-1]
            dialogue.steps[-1] = sent, said + text.encode() + b"\r\n"
        elif kind == "left:":
            dialogue.left.extend(text.split())
        elif kind.endswith("|"):
            number = int(kind[:-1])
            dialogue.messages[number] = dialogue.messages.get(number, b"") + text.encode() + b"\n"
        else:
            assert kind == "#", row
    return dialogue


def client_for(dialogue: Dialogue, is_encrypted: bool = False, piece: int = 1 << 20) -> PopClient:
    outside = Outside(*(dialogue.messages[number] for number in sorted(dialogue.messages)), is_quick=True, piece=piece)
    return PopClient(outside, has_tls=dialogue.has_handshake, is_encrypted=is_encrypted)


@EVERY_FILE
@pytest.mark.parametrize("size", [None, 1, 2, 7])
def test_with_a_session(path: Path, size: int | None) -> None:
    """Cut into pieces of any size, it is the same dialogue; and so it is however a mailbox is read."""
    dialogue = read(path)
    client = client_for(dialogue, piece=size or 1 << 20)
    assert client.greeting == dialogue.steps[0][1]
    for sent, said in dialogue.steps[1:]:
        if sent == HANDSHAKE:
            client.session.secured()
            assert client.hear() == said
        else:
            step = size or len(sent)
            heard = b"".join(client.send(sent[at : at + step]) for at in range(0, len(sent), step))
            assert heard == said, sent
    assert [kept.id for kept in client.outside.mailbox] == dialogue.left


@EVERY_FILE
@pytest.mark.parametrize("is_encrypted", [False, True])
def test_pipelined_it_is_the_same(path: Path, is_encrypted: bool) -> None:
    """Also under TLS, but for what would begin it."""
    dialogue = read(path)
    if dialogue.has_handshake or (is_encrypted and any(b"STLS" in sent for sent, _ in dialogue.steps)):
        pytest.skip("what is said before the handshake does not count")
    client = client_for(dialogue, is_encrypted)
    heard = client.greeting + client.send(b"".join(sent for sent, _ in dialogue.steps))
    assert heard == b"".join(said for _, said in dialogue.steps)
    assert [kept.id for kept in client.outside.mailbox] == dialogue.left


def test_there_are_dialogues() -> None:
    assert len(FILES) > 4
