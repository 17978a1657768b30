"""Three PostgreSQL nodes on loopback, made in a second from a template, that can be killed, frozen and promoted.

Knows nothing about mail. Nothing here fails over by itself: tests do, by the rules of `Cluster.fail_over`. They are those
that an operator without Patroni would have to keep. Without any one of them acknowledged commits can be lost:

- Each node names the other two as its quorum, before it is ever promoted; else a lone new primary acknowledges.
- The standby that has most is promoted: the greater of what it received and what it replayed, since a standby that was
  started again says that it received nothing. Both are asked, when their figures no longer move.
- The other standby follows the new primary, and has one host in `primary_conninfo`: with the old one in a list, it would
  follow that again.
- An old primary comes back by pg_rewind, after a CHECKPOINT on the new one; before that, pg_rewind finds nothing to do.

A killed node is gone as with its machine: all its processes at once. What it wrote stays in the kernel's hands, so this is
no power cut.
"""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import psycopg
import pytest

from ..kit.counting import free_port
from ..kit.support import wait_until
from ..kit.tls import Pem
from .network import Network

NAMES = ("n1", "n2", "n3")
DATABASE = "mail"
LSN = "greatest(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn(), '0/0')"

SETTINGS = """
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
shared_buffers = 32MB
max_connections = 60
max_wal_senders = 10
wal_keep_size = 256MB
wal_log_hints = on
max_wal_size = 256MB
hot_standby = on
synchronous_commit = on
wal_retrieve_retry_interval = 200ms
wal_receiver_timeout = 10s
wal_sender_timeout = 10s
log_min_messages = warning
"""


def until(is_so: Callable[[], bool]) -> None:
    """Returns when nodes say that something is so. Each question starts a process of PostgreSQL's: so not too often."""
    wait_until(is_so, 120, 0.05)


def binaries() -> Path:
    """Where the newest PostgreSQL of this machine is, from 15 on. If there is none, the test is skipped; in CI it fails."""
    found = [path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/postgres") if int(path.parts[-3]) >= 15]
    if found:
        return max(found, key=lambda path: int(path.parts[-2]))
    if "CI" in os.environ:
        pytest.fail("PostgreSQL is not installed")
    pytest.skip("PostgreSQL (from 15 on) is not installed: nothing is killed, and no 250 is counted, on a cluster")


def account() -> dict[str, Any]:
    """As whom the nodes run, for Popen: PostgreSQL refuses to be root."""
    if os.getuid():
        return {}
    try:
        return {"user": "postgres", "group": pwd.getpwnam("postgres").pw_gid, "extra_groups": []}
    except KeyError:
        pytest.skip("PostgreSQL does not run as root, and there is no user postgres")


class Place:
    """A directory for nodes, which belongs to whom they run as."""

    def __init__(self) -> None:
        self.binaries = binaries()
        self.account = account()
        self.path = Path(tempfile.mkdtemp(prefix="carteiro-cluster-"))
        if self.account:
            shutil.chown(self.path, self.account["user"])
        self.path.chmod(0o755)

    def run(self, program: str, *arguments: object) -> None:
        """Runs a program of PostgreSQL to its end."""
        command = [str(self.binaries / program), *map(str, arguments)]
        ended = subprocess.run(command, cwd=self.path, capture_output=True, text=True, check=False, **self.account)
        assert ended.returncode == 0, ended.stderr

    def copy(self, source: Path, to: Path) -> None:
        """Copies the directory of a node that does not run."""
        subprocess.run(["cp", "-a", "--reflink=auto", source, to], check=True, **self.account)

    def clear(self) -> None:
        """Deletes all of it."""
        shutil.rmtree(self.path, ignore_errors=True)


class Node:
    """One PostgreSQL server. Its directory is there already."""

    def __init__(self, place: Place, name: str, directory: Path, port: int) -> None:
        self.name = name
        self.directory = directory
        self.port = port
        self._place = place
        self._process: subprocess.Popen[bytes] | None = None
        self._children: list[int] = []
        self.address = "127.0.0.1"
        self.within: tuple[str, ...] = ()
        """A program that starts PostgreSQL in surroundings of its own."""

    # Its processes

    def start(self, must_accept: bool = True) -> None:
        """Starts it, and waits until it takes connections."""
        (self.directory / "postmaster.pid").unlink(missing_ok=True)
        command = [*self.within, str(self._place.binaries / "postgres"), "-D", str(self.directory)]
        account = {} if self.within else self._place.account
        with (self.directory.parent / f"{self.name}.log").open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log, cwd=self.directory, **account)
        if must_accept:
            self.accepts()

    def accepts(self) -> None:
        """Returns when it takes connections."""
        until(self._can_be_asked)

    def _can_be_asked(self) -> bool:
        assert self._process and self._process.poll() is None, self.log
        try:
            self.ask("select 1")
        except psycopg.OperationalError:
            return False
        return True

    @property
    def log(self) -> str:
        """What it has logged."""
        return (self.directory.parent / f"{self.name}.log").read_text()

    @property
    def pid(self) -> int:
        """Its first process."""
        assert self._process
        return self._process.pid

    @property
    def is_running(self) -> bool:
        """Whether it has not ended."""
        return self._process is not None and self._process.poll() is None

    def pids(self) -> list[int]:
        """All its processes, the first one in front."""
        found = [self.pid]
        for stat in Path("/proc").glob("[0-9]*/stat"):
            try:
                fields = stat.read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if int(fields[1]) == self.pid:
                found.append(int(stat.parent.name))
        return found

    def _signal(self, pids: list[int], signum: int) -> None:
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signum)

    def kill(self) -> None:
        """Ends all its processes at once."""
        if not self.is_running:
            return
        assert self._process
        os.kill(self.pid, signal.SIGSTOP)  # it starts no other meanwhile
        self._signal([*self.pids()[1:], self.pid], signal.SIGKILL)
        self._process.wait()

    def freeze(self) -> None:
        """Stops all its processes where they are."""
        self._children = []
        while set(self.pids()) != set(self._children):  # one may have been started meanwhile
            self._children = self.pids()
            self._signal(self._children, signal.SIGSTOP)

    def thaw(self) -> None:
        """Lets them go on."""
        self._signal(self._children[::-1], signal.SIGCONT)

    def stop(self, signum: int = signal.SIGINT) -> None:
        """Ends it in order: SIGINT is a fast shutdown."""
        assert self._process
        self._process.send_signal(signum)
        self._process.wait(60)

    # What it is told and asked

    @property
    def conninfo(self) -> str:
        """How to connect to it."""
        return f"host={self.address} port={self.port} user=postgres dbname={DATABASE} connect_timeout=2 gssencmode=disable"

    def ask(self, query: str) -> Any:
        """The first column of the first row; None if there is no row."""
        with psycopg.connect(self.conninfo, autocommit=True) as connection:
            cursor = connection.execute(query.encode())
            row = cursor.fetchone() if cursor.description else None
        return row[0] if row else None

    def configure(self, **settings: str) -> None:
        """Sets parameters in its file."""
        with (self.directory / "postgresql.conf").open("a") as file:
            file.writelines(f"{name} = '{value}'\n" for name, value in settings.items())

    def reload(self) -> None:
        """Makes it read them."""
        self.ask("select pg_reload_conf()")

    def live_at(self, network: Network) -> None:
        """Gives it a host of its own in this network."""
        self.address = network.add(self.name)
        self.within = (*network.within(self.name), "setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups")
        self.configure(listen_addresses=self.address)
        with (self.directory / "pg_hba.conf").open("a") as file:
            file.write(f"host all all {network.addresses} trust\nhost replication all {network.addresses} trust\n")

    def encrypt(self, pem: Pem) -> None:
        """Lets it speak TLS, and nothing else but to its standbys and to whom it does not matter."""
        for source, name in zip(pem, ("server.crt", "server.key"), strict=True):
            shutil.copyfile(source, self.directory / name)
            (self.directory / name).chmod(0o600)
            if self._place.account:
                shutil.chown(self.directory / name, self._place.account["user"], self._place.account["group"])
        self.configure(ssl="on")

    def follow(self, primary: "Node") -> None:
        """Makes it a standby of that one, and of no other."""
        source = f"host={primary.address} port={primary.port} user=postgres application_name={self.name} connect_timeout=2"
        self.configure(primary_conninfo=source)
        (self.directory / "standby.signal").touch()
        if self.is_running:
            self.reload()

    def waiting(self) -> int:
        """How many commits wait for a standby."""
        return int(self.ask("select count(*) from pg_stat_activity where wait_event = 'SyncRep'"))

    def standbys(self) -> int:
        """How many standbys it streams to, of those that count for the quorum."""
        words = "select count(*) from pg_stat_replication where state = 'streaming' and sync_state = 'quorum'"
        return int(self.ask(words))


class Cluster:
    """Three nodes, the first one primary, each with the other two as its quorum.

    They are on loopback, or hosts in a network; with `pem` they speak TLS, and clients insist on it.
    """

    def __init__(self, place: Place, template: Path, network: Network | None = None, pem: Pem | None = None) -> None:
        self.place = place
        self._pem = pem
        self.path = Path(tempfile.mkdtemp(dir=place.path))
        self.path.chmod(0o755)
        if place.account:
            shutil.chown(self.path, place.account["user"])
        self.nodes = [Node(place, name, self.path / name, free_port()) for name in NAMES]
        self.primary = self.nodes[0]
        for node in self.nodes:
            place.copy(template, node.directory)
            others = ", ".join(other.name for other in self.nodes if other is not node)
            node.configure(port=str(node.port), synchronous_standby_names=f"ANY 1 ({others})")
            if network:
                node.live_at(network)
            if pem:
                node.encrypt(pem)
            if node is not self.primary:
                node.follow(self.primary)

    def start(self) -> None:
        """Starts all, and waits until both standbys stream."""
        for node in self.nodes:
            node.start(must_accept=False)
        for node in self.nodes:
            node.accepts()
        self.has_quorum(2)

    def has_quorum(self, standbys: int = 1) -> None:
        """Returns when the primary streams to so many standbys."""
        until(lambda: self.primary.standbys() >= standbys)

    @property
    def standbys(self) -> list[Node]:
        """The two others."""
        return [node for node in self.nodes if node is not self.primary]

    @property
    def conninfo(self) -> str:
        """How clients connect: all three are named."""
        ports = ",".join(str(node.port) for node in self.nodes)
        addresses = ",".join(node.address for node in self.nodes)
        tls = f" sslmode=verify-full sslrootcert={self._pem.cert}" if self._pem else ""
        return f"host={addresses} port={ports} user=postgres dbname={DATABASE}{tls}"

    def fail_over(self) -> None:
        """Promotes the standby that has most; the other one follows it. The old primary must be gone, or cut off."""
        best = self.best()
        best.ask("select pg_promote()")
        for other in self.standbys:
            if other is not best and other.is_running:
                other.follow(best)
        self.primary = best
        self.has_quorum()

    def best(self) -> Node:
        """The standby that has most, when what they have no longer moves."""
        candidates = [node for node in self.standbys if node.is_running]
        before: list[str] = []
        while (now := [str(node.ask(f"select {LSN}")) for node in candidates]) != before:
            before = now
            time.sleep(0.2)  # there is nothing to wait for but that nothing happens
        return max(candidates, key=lambda node: int(node.ask(f"select {LSN} - '0/0'")))

    def rewind(self, node: Node) -> None:
        """Brings an old primary back, as a standby."""
        self.primary.ask("checkpoint")
        if node.is_running:
            node.kill()
        if "shut down" not in self._state(node):
            node.start()  # it recovers first
            node.stop()
        own = (node.directory / "postgresql.conf").read_text()
        self.place.run("pg_rewind", "--target-pgdata", node.directory, "--source-server", self.primary.conninfo)
        (node.directory / "postgresql.conf").write_text(own)
        node.follow(self.primary)
        node.start()

    def _state(self, node: Node) -> str:
        command = [str(self.place.binaries / "pg_controldata"), "-D", str(node.directory)]
        shown = subprocess.run(command, capture_output=True, check=True, **self.place.account).stdout.decode()
        return str(next(line for line in shown.splitlines() if line.startswith("Database cluster state")))

    def keep_logs(self, directory: Path) -> None:
        """Copies what the nodes have logged."""
        for log in self.path.glob("*.log"):
            shutil.copyfile(log, directory / log.name)

    def close(self) -> None:
        """Ends all nodes, and deletes them."""
        for node in self.nodes:
            node.kill()
        shutil.rmtree(self.path, ignore_errors=True)


def template(place: Place) -> Node:
    """A node whose copies become clusters; it runs, so that tables can be made in it, and has to be stopped before."""
    directory = place.path / "template"
    where = ("-D", directory, "-U", "postgres", "--auth=trust", "--encoding=UTF8", "--locale=C", "--wal-segsize=4")
    place.run("initdb", *where, "--no-sync", "--no-instructions")
    node = Node(place, "template", directory, free_port())
    with (directory / "postgresql.conf").open("a") as file:
        file.write(SETTINGS)
    node.configure(port=str(node.port))
    node.start(must_accept=False)
    conninfo = node.conninfo.replace(f"dbname={DATABASE}", "dbname=postgres")
    until(lambda: _made(conninfo))
    return node


def _made(conninfo: str) -> bool:
    try:
        with psycopg.connect(conninfo, autocommit=True) as connection:
            connection.execute(f"create database {DATABASE}".encode())
    except psycopg.OperationalError:
        return False
    return True
