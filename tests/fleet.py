"""The workers of a real server, and clients of each of them."""

from pathlib import Path

from .server import Server, Telnet
from .support import descriptors, read_mailbox, wait_until


def workers(server: Server) -> list[int]:
    """The processes that a server has begun, and that are no zombies."""
    children = Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children").read_text().split()
    return [int(pid) for pid in children if is_alive(int(pid))]


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def of_worker(server: Server, pid: int) -> Telnet:
    """A greeted client of this worker: others are turned away."""
    for _ in range(200):
        before = descriptors(pid)
        client = Telnet(server.port)
        if client.hear()[:3] == b"220" and descriptors(pid) == before + 1:
            return client
        client.close()
    raise AssertionError("that worker accepts nobody")


def mail(client: Telnet, number: int, to: str = "johndoe") -> None:
    client.say("helo me")
    assert client.mail(b"\r\n%d\r\n" % number, to=to)[:3] == b"250"


def numbers(server: Server, box: str = "johndoe") -> list[int]:
    """What is in a mailbox, in order of numbers."""
    return sorted(int(kept.content) for kept in read_mailbox(server.mail_dir / f"{box}.txt"))


def begun(server: Server, count: int) -> list[int]:
    """Its workers, when there are so many."""
    wait_until(lambda: len(workers(server)) == count)
    return workers(server)
