"""The real server, as a process: many clients at once, limits, a full disk."""

import re
import resource
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ..kit.server import Server, Telnet
from ..kit.support import Kept, descriptors, wait_until

DATA = ("helo me", "mail from: a@b", "rcpt to: johndoe", "data")


# Many at once


def test_fifty_interleaved_sessions_and_one_that_stalls(tmp_path: Path) -> None:
    with Server(tmp_path) as server:
        stalled = server.connect()
        stalled.say(*DATA)
        stalled.send(b"half of it\r\n")
        clients = [server.connect() for _ in range(50)]
        names = ["johndoe", "jhaneroe", "babydoe"]
        for line in ("helo me", "mail from: n{0}@here", "rcpt to: {1}", "data"):
            for number, client in enumerate(clients):
                client.send(line.format(number, names[number % 3]).encode() + b"\r\n")
            assert {client.hear()[:3] for client in clients} <= {b"250", b"354"}
        for part in (b"Subject: %d\r\n\r\n", b"message %d\r\n", b".\r\n"):
            for number, client in enumerate(clients):
                client.send(part % number if b"%d" in part else part)
        assert {client.hear() for client in clients} == {b"250 Message accepted for delivery"}
        for remainder, box in enumerate(names):
            assert sorted(server.mailbox(box)) == sorted(
                Kept(b"n%d@here" % n, box.encode(), b"Subject: %d\n\nmessage %d\n" % (n, n)) for n in range(remainder, 50, 3)
            )
        stalled.send(b"the other half\r\n.\r\n")
        assert stalled.hear() == b"250 Message accepted for delivery"
        assert server.mailbox("johndoe")[-1].content == b"\nhalf of it\nthe other half\n"


def test_a_disconnect_in_any_state_leaves_no_half_message_and_no_descriptor(tmp_path: Path) -> None:
    steps = [*(line.encode() + b"\r\n" for line in DATA), b"text\r\n", b"half", b" a line", b"\r\n."]
    with Server(tmp_path) as server:
        before = descriptors(server.process.pid)
        for reset in (False, True):
            for length in range(len(steps) + 1):
                client = server.connect()
                client.send(b"".join(steps[:length]))
                if reset:
                    client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                client.close()
        wait_until(lambda: descriptors(server.process.pid) == before)
        assert server.mailbox("johndoe") == []
        client = server.connect()
        client.say("helo me")
        assert client.mail(b"whole\r\n")[:3] == b"250"
        assert [kept.content for kept in server.mailbox("johndoe")] == [b"\nwhole\n"]


def test_a_client_that_sends_a_byte_at_a_time(tmp_path: Path) -> None:
    with Server(tmp_path) as server, server.connect() as client:
        client.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for line in (*DATA, "..", "text", "."):
            for letter in line + "\r\n":
                client.send(letter.encode())
            if line not in ("..", "text"):
                assert client.hear()[:1] in (b"2", b"3")
        assert server.mailbox("johndoe")[0].content == b"\n.\ntext\n"


def test_a_client_that_never_reads_does_not_stop_the_others(tmp_path: Path) -> None:
    with Server(tmp_path, "--quiet") as server:
        flood = server.connect()
        flood.socket.setblocking(False)
        try:
            for _ in range(2000):
                flood.send(b"noop\r\n" * 1000)
        except BlockingIOError:
            pass
        with server.connect() as client:
            client.say("helo me")
            assert client.mail(b"x\r\n")[:3] == b"250"
        assert resident_memory(server) < 100_000_000


def test_commands_in_one_segment_are_answered_in_order(tmp_path: Path) -> None:
    with Server(tmp_path) as server, Telnet(server.port) as client:
        client.send("\r\n".join([*DATA, "text", ".", "noop", "quit", "late"]).encode() + b"\r\n")
        codes = [line[:3] for line in iter(client.hear, b"")]
        assert codes == [b"220", b"250", b"250", b"250", b"354", b"250", b"500", b"221"]


def test_messages_in_one_segment_are_stored_though_nothing_else_happens(tmp_path: Path) -> None:
    transaction = "mail from: a@b\r\nrcpt to: johndoe\r\ndata\r\n{}\r\n.\r\n"
    with Server(tmp_path, "--quiet") as server, Telnet(server.port) as client:
        text = "helo me\r\n" + "".join(transaction.format(number) for number in range(100)) + "quit\r\n"
        client.send(text.encode())
        replies = [line[:3] for line in iter(client.hear, b"")]
        assert replies == [b"220", b"250", *[b"250", b"250", b"354", b"250"] * 100, b"221"]
        assert [kept.content for kept in server.mailbox("johndoe")] == [b"\n%d\n" % number for number in range(100)]


def resident_memory(server: Server) -> int:
    """Octets."""
    found = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{server.process.pid}/status").read_text())
    assert found
    return 1024 * int(found[1])


def test_a_flood_that_is_read_takes_bounded_memory(tmp_path: Path) -> None:
    with Server(tmp_path, "--quiet") as server, server.connect() as flood:
        reader = threading.Thread(target=drain, args=(flood.socket,))
        reader.start()
        before = resident_memory(server)
        for _ in range(60):
            flood.send(b"\n" * 50_000)
        with server.connect() as client:
            client.say("helo me")
            assert client.mail(b"x\r\n")[:3] == b"250"
        assert resident_memory(server) - before < 10_000_000
        server.process.kill()
        reader.join()


def drain(sock: socket.socket) -> None:
    try:
        while sock.recv(1 << 20):
            pass
    except ConnectionError:
        pass


def test_a_large_message_of_from_lines_does_not_stop_the_others(tmp_path: Path) -> None:
    with Server(tmp_path, "--quiet") as server, server.connect() as large, server.connect() as client:
        large.say(*DATA)
        client.say("helo me")
        sender = threading.Thread(target=large.send, args=(b"From \n" * 2_000_000 + b".\n",))
        sender.start()
        longest = 0.0
        while sender.is_alive():
            begun = time.monotonic()
            assert client.say("noop")[:3] == b"500"
            longest = max(longest, time.monotonic() - begun)
        assert large.hear()[:3] == b"250"
        assert longest < 1.0
        assert resident_memory(server) < 200_000_000


def test_an_endless_line_is_refused_once(tmp_path: Path) -> None:
    with Server(tmp_path) as server, server.connect() as client:
        for _ in range(100):
            client.send(b"x" * 10_000)
        client.send(b"\r\nhelo me\r\n")
        assert [client.hear()[:3], client.hear()[:3]] == [b"500", b"250"]


# Limits


def test_one_connection_too_many(tmp_path: Path) -> None:
    with Server(tmp_path, "--max-connections", "2") as server:
        clients = [server.connect(), server.connect()]
        with Telnet(server.port) as extra:
            assert re.fullmatch(rb"421 .* closing connection, too many connections, try again later", extra.hear())
            assert extra.hear() == b""
        assert [client.say("helo me")[:3] for client in clients] == [b"250", b"250"]


def test_an_idle_client_gets_a_421(tmp_path: Path) -> None:
    with Server(tmp_path, "--idle-timeout", "0.3") as server, server.connect() as client:
        client.say(*DATA)
        client.send(b"half\r\n")
        assert client.hear().endswith(b"closing connection, idle for too long")
        assert client.hear() == b""
        assert server.mailbox("johndoe") == []
        wait_until(lambda: "closed: idle for too long" in server.log)


def test_refusals_in_a_row_and_a_large_message(tmp_path: Path) -> None:
    with Server(tmp_path, "--max-refusals", "3", "--max-message-size", "1K") as server:
        with server.connect() as client:
            client.say("helo me")
            assert client.mail(b"x" * 2000 + b"\r\n") == b"552 Message larger than 1024 octets"
            assert client.mail(b"x" * 1000 + b"\r\n")[:3] == b"250"
        with server.connect() as client:
            assert client.say("noop", "noop", "noop")[:3] == b"500"
            assert client.hear()[:3] == b"421"


def test_more_clients_than_descriptors(tmp_path: Path) -> None:
    with Server(tmp_path) as server:
        room = descriptors(server.process.pid) + 5
        resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE, (room, room))
        clients = [Telnet(server.port) for _ in range(20)]
        wait_until(lambda: "no new connections for" in server.log)
        busy = Path(f"/proc/{server.process.pid}/stat").read_text().split()[13:15]
        time.sleep(0.3)
        later = Path(f"/proc/{server.process.pid}/stat").read_text().split()[13:15]
        assert sum(map(int, later)) - sum(map(int, busy)) <= 10, "it spins"
        greeted = 0
        for client in clients:
            assert client.hear()[:3] == b"220"
            greeted += 1
            client.close()
        assert greeted == 20


def test_a_journal_without_room_is_a_452_until_there_is_room_again(tmp_path: Path) -> None:
    unlimited = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
    with Server(tmp_path, "--quiet") as server, server.connect() as client:
        client.say("helo me")
        assert client.mail(b"first\r\n")[:3] == b"250"
        assert [kept.content for kept in server.mailbox("johndoe")] == [b"\nfirst\n"]
        resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (2000, resource.RLIM_INFINITY))
        assert client.mail(b"x" * 2000 + b"\r\n") == b"452 Message not stored, there is no room, try again later"
        assert client.mail(b"x" * 2000 + b"\r\n") == b"452 Message not stored, there is no room, try again later"
        resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, unlimited)
        assert client.mail(b"last\r\n")[:3] == b"250"
        assert [kept.content for kept in server.mailbox("johndoe")] == [b"\nfirst\n", b"\nlast\n"]
        assert "File too large" in server.log and "Traceback" not in server.log


def test_maildirs_in_place_of_files(tmp_path: Path) -> None:
    with Server(tmp_path, "--store", "maildir") as server, server.connect() as client:
        client.say("helo me")
        assert [client.mail(b"%d\r\n" % number)[:3] for number in range(3)] == [b"250"] * 3
        server.rest()
        files = list((server.mail_dir / "johndoe" / "new").iterdir())
        assert sorted(path.read_bytes().split(b"\n\n")[1] for path in files) == [b"0\n", b"1\n", b"2\n"]
        (server.mail_dir / "babydoe").write_text("no Maildir")
        assert client.mail(b"x\r\n", to="babydoe") == b"451 Message not stored, try again later"
        assert client.mail(b"x\r\n")[:3] == b"250"


@pytest.mark.parametrize("store", ["mbox", "maildir"])
def test_a_single_message_is_in_its_mailbox_when_the_session_has_ended(tmp_path: Path, store: str) -> None:
    """As whoever catches mail in a test expects it: nothing is waited for. On a busy machine it is so most of the time."""
    with Server(tmp_path, "--quiet", "--store", store) as server:
        in_time = 0
        for number in range(9):
            server.rest()
            with server.connect() as client:
                client.say("helo me")
                assert client.mail(b"number %d\r\n" % number)[:3] == b"250"
                assert client.say("quit")[:3] == b"221"
            paths = server.mail_dir.rglob("*.txt" if store == "mbox" else "johndoe/new/*")
            in_time += any(b"\nnumber %d\n" % number in path.read_bytes() for path in paths)
        assert in_time >= 5


def test_what_is_discarded_is_nowhere(tmp_path: Path) -> None:
    with Server(tmp_path, "--store", "discard") as server, server.connect() as client:
        client.say("helo me")
        assert [client.mail(b"%d\r\n" % number)[:3] for number in range(3)] == [b"250"] * 3
        assert not server.mail_dir.exists()


def test_existing_mailboxes_grow(tmp_path: Path) -> None:
    for round_number in (1, 2):
        with Server(tmp_path) as server:
            with server.connect() as client:
                client.say("helo me")
                assert client.mail(b"%d\r\n" % round_number)[:3] == b"250"
            assert server.stop() == 0
            assert len(server.mailbox("johndoe")) == round_number


def test_connecting_goes_on_while_many_deliver(tmp_path: Path) -> None:
    """Threads of clients, each with connections of its own; every message that got a 250 is there, once, in order."""

    def deliver(port: int, number: int) -> None:
        for letter in range(5):
            with Telnet(port) as client:
                assert client.hear()[:3] == b"220"
                client.say("helo me")
                for part in range(4):
                    assert client.mail(b"%d %d %d\r\n" % (number, letter, part))[:3] == b"250"

    with Server(tmp_path, "--quiet") as server:
        with ThreadPoolExecutor(10) as pool:
            list(pool.map(lambda number: deliver(server.port, number), range(10)))
        found = [tuple(map(int, kept.content.split())) for kept in server.mailbox("johndoe")]
        assert sorted(found) == [(n, letter, part) for n in range(10) for letter in range(5) for part in range(4)]
        for number in range(10):
            own = [triple for triple in found if triple[0] == number]
            assert own == sorted(own)
