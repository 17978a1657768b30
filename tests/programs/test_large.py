"""Large messages: they are not in memory while they arrive, and moving them holds up nobody."""

from pathlib import Path

from ..kit.server import Server
from ..kit.support import as_stored

LINES = (b"x" * 98 + b"\r\n") * 2600


def resident(server: Server) -> int:
    """The most memory that the server ever had, in MiB."""
    (line,) = [line for line in Path(f"/proc/{server.process.pid}/status").read_text().splitlines() if "VmHWM" in line]
    return int(line.split()[1]) // 1024


def test_many_large_messages_on_their_way_need_little_memory(tmp_path: Path) -> None:
    """150 that have sent 1 MiB each: in memory that would be 150 MiB."""
    with Server(tmp_path, "--quiet") as server:
        clients = [server.connect() for _ in range(150)]
        for client in clients:
            client.say("helo me", "mail from: a@b", "rcpt to: johndoe", "data")
        for _ in range(4):
            for client in clients:
                client.send(LINES)
        for client in clients[:3]:
            client.send(b".\r\n")
        assert [client.hear()[:3] for client in clients[:3]] == [b"250"] * 3
        assert resident(server) < 100
        for client in clients:
            client.close()
        server.rest()
        assert [kept.content for kept in server.mailbox("johndoe")] == [as_stored(4 * LINES)] * 3
        assert server.stop() == 0
        assert not list((server.mail_dir / ".journal" / "spool").iterdir())


def test_a_large_message_is_kept_whole_whatever_it_holds(tmp_path: Path) -> None:
    content = (
        b"Subject: large\r\n\r\n" + (b"From me\r\n>From you\r\n" + b"y" * 997 + b"\r\n") * 1500 + b"z" * 400_000 + b"\r\n"
    )
    for store in ("mbox", "maildir"):
        place = tmp_path / store
        place.mkdir()
        with Server(place, "--quiet", "--store", store) as server, server.connect() as client:
            client.say("helo me")
            assert client.mail(content)[:3] == b"250"
            server.rest()
            if store == "mbox":
                assert [kept.content for kept in server.mailbox("johndoe")] == [as_stored(content)]
            else:
                (path,) = (server.mail_dir / "johndoe" / "new").iterdir()
                assert path.read_bytes().endswith(as_stored(content))
