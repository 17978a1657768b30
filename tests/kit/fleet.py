"""The workers of a real server, and a client of each."""

from contextlib import suppress
from pathlib import Path

from .server import Server, Telnet
from .support import read_mailbox, wait_until


def workers(server: Server) -> list[int]:
    """The processes that a server has begun, zombies left out."""
    children = Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children").read_text().split()
    return [int(pid) for pid in children if is_alive(int(pid))]


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def of_worker(server: Server, pid: int) -> Telnet:
    """A client that this worker has greeted; connections to other workers are closed."""
    for _ in range(200):
        client = Telnet(server.port)
        if client.hear()[:3] == b"220" and is_served_by(client, server.port, pid):
            return client
        client.close()
    raise AssertionError("that worker accepts nobody")


def is_served_by(client: Telnet, port: int, pid: int) -> bool:
    """Whether this process has the other end of a connection over IPv4."""
    ends = f"0100007F:{port:04X} 0100007F:{client.socket.getsockname()[1]:04X}"
    lines = Path("/proc/net/tcp").read_text().splitlines()  # a line may appear twice while connections come and go
    sockets = {f"socket:[{line.split()[9]}]" for line in lines if ends in line}
    links = set()
    for descriptor in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(OSError):  # it was closed in the meantime
            links.add(str(descriptor.readlink()))
    return bool(sockets & links)


def mail(client: Telnet, number: int, to: str = "johndoe") -> None:
    client.say("helo me")
    assert client.mail(b"\r\n%d\r\n" % number, to=to)[:3] == b"250"


def numbers(server: Server, box: str = "johndoe") -> list[int]:
    """The numbers in a mailbox's messages, sorted."""
    return sorted(int(kept.content) for kept in read_mailbox(server.mail_dir / f"{box}.txt"))


def begun(server: Server, count: int) -> list[int]:
    """Waits until a server has this many workers, and returns them."""
    wait_until(lambda: len(workers(server)) == count)
    return workers(server)
