"""A cluster, two front ends on it, and a storm of mail through both: what a scenario plays with, and the count at its end.

Knows nothing about what is done to them.
"""

import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from ..kit.counting import Storm, counted, free_port
from ..kit.support import ROOT
from ..kit.tls import make_pem
from .network import Network
from .nodes import Cluster, Node, Place, template, until

USERS = [f"user{number}" for number in range(20)]
CLIENTS = 20
FRONT_ENDS = ("f1", "f2")
"""Their hosts, where there is a network."""


class Needs(NamedTuple):
    """What a scenario needs. `patience` is that of the front ends, in seconds."""

    patience: float | None = None
    limit: int = 0
    """MiB of room for a part of the primary's directory; 0: as the disk has."""
    part: str = "base"
    """That part: its tables, unless it is `pg_wal`."""
    is_networked: bool = False
    """Whether all nodes and front ends are hosts in a network that can be cut."""
    is_encrypted: bool = False
    """Whether the nodes speak TLS."""


class Outcome(NamedTuple):
    """What was counted: the exit code of the checker, its figures, and how often something sent was in doubt."""

    code: int
    figures: dict[str, Any]
    doubts: int


class Stage:
    """Everything that runs. `patience` is that of the front ends, in seconds; `mistake` is planted into them.

    `flags` are for the storm. Without `network`, all is on loopback.
    """

    def __init__(
        self,
        cluster: Cluster,
        directory: Path,
        patience: float | None,
        mistake: str,
        flags: Sequence[str],
        network: Network | None = None,
    ) -> None:
        self.cluster = cluster
        self._directory = directory
        self._network = network
        self._words = [f"{patience:g}" if patience else "-", mistake or "-"]
        (directory / "users.txt").write_text("\n".join(USERS))
        self.ports = [free_port(), free_port()]
        addresses = [network.add(name) for name in FRONT_ENDS] if network else ["127.0.0.1"] * 2
        self._addresses = dict(zip(self.ports, addresses, strict=True))
        self.front_ends = [self._launched(port) for port in self.ports]
        for port in self.ports:
            self._listens(port)
        to = [word for user in USERS for word in ("--to", user)]
        places = [f"{self._addresses[port]}:{port}" for port in self.ports]
        self.storm = Storm(directory / "history", places, *to, "--clients", CLIENTS, *flags)

    def restart_front_end(self, number: int) -> None:
        """Starts a front end again, and waits until it listens."""
        self.front_ends[number] = self._launched(self.ports[number])
        self._listens(self.ports[number])

    def _launched(self, port: int) -> subprocess.Popen[str]:
        flags = ["--dialect", "esmtp", "--store", "postgres", "--database", self.cluster.conninfo, "--quiet"]
        where = ["--listen", f"{self._addresses[port]}:{port}", "users.txt"]
        within = self._network.within(FRONT_ENDS[self.ports.index(port)]) if self._network else ()
        command = [*within, sys.executable, "-m", "tests.cluster.front_end", *self._words, *flags, *where]
        with (self._directory / f"smtpd-{port}.log").open("ab") as log:
            return subprocess.Popen(
                command, cwd=self._directory, stdout=subprocess.PIPE, stderr=log, text=True, env={"PYTHONPATH": str(ROOT)}
            )

    def _listens(self, port: int) -> None:
        out = self.front_ends[self.ports.index(port)].stdout
        assert out and out.readline().startswith("listening on "), self.log(port)

    @property
    def network(self) -> Network:
        """The network that can be cut."""
        assert self._network
        return self._network

    def log(self, port: int) -> str:
        """What a front end has logged."""
        return (self._directory / f"smtpd-{port}.log").read_text()

    def refused(self, code: int) -> int:
        """How many messages were refused with this code, after their end."""
        lines = self.storm.history.read_bytes().splitlines()
        return sum(b'"is_complete": true' in line and b'"code": %d,' % code in line for line in lines)

    def fail_over(self) -> None:
        """The primary is gone, or cut off: a standby is promoted, and mail goes on."""
        self.cluster.fail_over()
        self.storm.acknowledge(300)

    @contextmanager
    def standbys_frozen(self) -> Iterator[None]:
        """Both standbys stand still meanwhile; it begins when all wait for them, who have perhaps got what is waited for."""
        standbys = self.cluster.standbys
        for node in standbys:
            node.freeze()
        self.all_wait()
        yield
        for node in standbys:
            node.thaw()

    @contextmanager
    def standbys_gone(self) -> Iterator[None]:
        """Both standbys are gone meanwhile, and all wait for them; then they come back."""
        standbys = self.cluster.standbys
        for node in standbys:
            node.kill()
        self.all_wait()
        yield
        for node in standbys:
            node.start(must_accept=False)
        for node in standbys:
            node.accepts()

    def all_wait(self) -> None:
        """Returns when commits wait for a standby, and nothing else goes on."""
        until(lambda: self.cluster.primary.waiting() > 0)

    def cancel_waits(self, how: str = "cancel") -> None:
        """Ends the waits of all commits, and returns when something has become of that: others wait, or mail is answered."""
        before = self.storm.acknowledged()
        query = f"select pg_{how}_backend(pid) from pg_stat_activity where wait_event = 'SyncRep'"
        self.cluster.primary.ask(query)
        until(lambda: self.cluster.primary.waiting() > 0 or self.storm.acknowledged() > before + CLIENTS)

    def count(self, wait: float = 20) -> Outcome:
        """Ends the storm, and counts what the primary has."""
        self.storm.stop(150)
        waits = ("--wait", wait) if wait else ()
        self.cluster.has_quorum()
        code, figures = counted(self.storm.history, "--database", self.cluster.primary.conninfo, *waits)
        return Outcome(code, figures, sum(self.log(port).count(" is given up: ") for port in self.ports))

    def close(self) -> None:
        """Ends everything but the cluster."""
        self.storm.kill()
        for front_end in self.front_ends:
            if front_end.poll() is None:
                front_end.send_signal(signal.SIGKILL)
            front_end.communicate()


@contextmanager
def workshop() -> Iterator[tuple[Place, Path]]:
    """A place for clusters, and a template of a node that has the tables."""
    place = Place()
    try:
        first = template(place)
        try:
            init = [sys.executable, str(ROOT / "bin" / "smtpd"), "--database", first.conninfo, "--database-single"]
            subprocess.run([*init, "--database-init"], check=True, capture_output=True)
            first.stop()
        finally:
            first.kill()
        yield place, first.directory
    finally:
        place.clear()


@contextmanager
def staged(
    place: Place,
    node: Path,
    directory: Path,
    needs: Needs = Needs(),  # noqa: B008 (it does not change)
    mistake: str = "",
    flags: Sequence[str] = (),
) -> Iterator[Stage]:
    """A stage, while it is needed. `flags` are for the storm. What the nodes have logged is in `directory` afterwards."""
    with ExitStack() as stack:
        network = Network() if needs.is_networked else None
        if network:
            stack.callback(network.close)
        cluster = Cluster(place, node, network, make_pem(directory) if needs.is_encrypted else None)
        stack.callback(cluster.close)
        stack.callback(cluster.keep_logs, directory)
        if needs.limit:
            small_disk(cluster.primary, needs.limit, needs.part)
        cluster.start()
        stage = Stage(cluster, directory, needs.patience, mistake, flags, network)
        stack.callback(stage.close)
        stage.storm.acknowledge(300)
        yield stage


def small_disk(node: Node, room: int, part: str = "base") -> None:
    """Puts a part of a node that does not run on a disk of its own, in memory, with so many MiB of room. Needs root.

    It is mounted where only the node's processes see it, so nothing of it is left when they have ended.
    """
    script = """
        set -e; base=$1; shift
        used=$(du -sm "$base" | cut -f1)
        mount -t tmpfs -o "size=$((used + ROOM))m,mode=0700,uid=$(id -u postgres),gid=$(id -g postgres)" none "$base.small"
        cp -a "$base/." "$base.small"
        mount --move "$base.small" "$base"
        exec setpriv --reuid=postgres --regid=postgres --clear-groups "$@"
    """.replace("ROOM", str(room))
    (node.directory / f"{part}.small").mkdir()
    node.within = ("unshare", "--mount", "sh", "-c", script, "sh", str(node.directory / part))


class Ballast:
    """A file that fills the small disk of a node."""

    def __init__(self, node: Node, part: str = "base") -> None:
        self._path = Path(f"/proc/{node.pid}/root{node.directory}/{part}/ballast")

    def take(self) -> None:
        """Writes until there is no room."""
        with self._path.open("wb", buffering=0) as file:
            try:
                while True:
                    file.write(bytes(1 << 16))
            except OSError:
                pass

    def drop(self) -> None:
        """Gives the room back."""
        self._path.unlink()
