"""The files in dialogues/ are held word for word, with a Session and with bin/smtpd over a socket.

In them, `C: ` is a line of the client (CRLF is added; `\\x00` and `\\n` are escapes), `S: ` a line of the server, `name| ` a
line of what is then in that mailbox, `#` a comment.
"""

from pathlib import Path
from typing import NamedTuple

import pytest

from .server import Server, Telnet
from .support import Client, as_stored

FILES = sorted((Path(__file__).parent / "dialogues").glob("*.txt"))


class Step(NamedTuple):
    """A line of the client, and what the server says then."""

    line: bytes
    replies: list[bytes]


def steps_of(path: Path) -> tuple[list[Step], dict[str, bytes]]:
    """The first step is the greeting; its line is not sent."""
    steps, boxes = [Step(b"", [])], dict[str, bytes]()
    for row in path.read_text().splitlines():
        kind, _, text = row.partition(" ")
        if kind == "C:":
            steps.append(Step(text.encode().decode("unicode_escape").encode("latin-1") + b"\r\n", []))
        elif kind == "S:":
            steps[-1].replies.append(text.encode())
        elif kind.endswith("|"):
            boxes[kind[:-1]] = boxes.get(kind[:-1], b"") + text.encode().decode("unicode_escape").encode("latin-1") + b"\n"
        else:
            assert not kind or kind.startswith("#"), row
    return steps, boxes


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_with_a_session(path: Path) -> None:
    (greeting, *steps), boxes = steps_of(path)
    client = Client(max_message_size=2000)
    assert client.hear() == greeting.replies
    for step in steps:
        assert client.send(step.line) == step.replies, step.line
    found = {name: b"".join(as_stored(kept.content) for kept in box) for name, box in client.store.boxes.items()}
    assert found == boxes


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_with_the_server(path: Path, tmp_path: Path) -> None:
    (greeting, *steps), boxes = steps_of(path)
    with Server(tmp_path, "--hostname", "mx.test", "--max-message-size", "2000") as server, Telnet(server.port) as client:
        assert [client.hear()] == greeting.replies
        for step in steps:
            client.send(step.line)
            assert [client.hear() for _ in step.replies] == step.replies, step.line
        found = {name: b"".join(kept.content for kept in server.mailbox(name)) for name in boxes}
        assert found == boxes
        assert {path.stem for path in server.mail_dir.iterdir()} == {".journal", *boxes}


def test_there_are_dialogues() -> None:
    assert len(FILES) >= 10
