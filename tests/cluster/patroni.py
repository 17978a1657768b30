"""Failover that happens by itself: three Patroni nodes and one etcd on loopback, with mail coming in. Takes minutes.

    python -m tests.cluster.patroni [--patroni BIN] [--rounds N]

Needs Patroni 4.1 (`pip install 'patroni[etcd3,psycopg3]==4.1.*' 'psycopg[binary]'`, in an environment that the user postgres
can read; BIN is its `bin`) and Debian's etcd-server. Prints a table for bench/results/cluster.md.
"""

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import psycopg

from ..kit.counting import free_port
from ..kit.support import ROOT, wait_until
from .nightly import COLUMNS, Played, row
from .nodes import DATABASE, NAMES, Place
from .stage import Stage

DCS = {
    "ttl": 20,
    "loop_wait": 5,
    "retry_timeout": 5,
    "synchronous_mode": "quorum",
    "synchronous_mode_strict": True,
    "synchronous_node_count": 1,
    "primary_start_timeout": 0,
    "postgresql": {
        "use_pg_rewind": True,
        "parameters": {
            "synchronous_commit": "on",
            "wal_log_hints": "on",
            "restart_after_crash": "off",
            "max_connections": 60,
        },
    },
}
"""What docs/cluster.md says."""


def processes(first: list[int]) -> list[int]:
    """These, and the children of them."""
    found = list(first)
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            if int(stat.read_text().rpartition(")")[2].split()[1]) in first:
                found.append(int(stat.parent.name))
    return list(dict.fromkeys(found))


class Patroni:
    """Three nodes that look after themselves. Has what a Stage asks of a cluster."""

    def __init__(self, place: Place, programs: Path) -> None:
        self._place = place
        self._programs = programs
        self._ports = {name: free_port() for name in NAMES}
        self._apis = {name: free_port() for name in NAMES}
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._etcd_port = free_port()

    def begin(self) -> None:
        """Starts everything."""
        client, peer = self._etcd_port, free_port()
        url, other = f"http://127.0.0.1:{client}", f"http://127.0.0.1:{peer}"
        flags = ("--data-dir", self._place.path / "etcd", "--listen-client-urls", url, "--advertise-client-urls", url)
        ring = ("--listen-peer-urls", other, "--initial-advertise-peer-urls", other, "--initial-cluster", f"default={other}")
        self._run("etcd", "etcd", *flags, *ring)
        for name in NAMES:
            self.start(name)

    def _run(self, name: str, *command: object) -> None:
        log = (self._place.path / f"{name}.log").open("ab")
        words = [str(word) for word in command]
        where = self._place.path
        env = {"PATH": os.environ["PATH"], "HOME": str(where)}
        self._processes[name] = subprocess.Popen(words, stdout=log, stderr=log, cwd=where, env=env, **self._place.account)
        log.close()

    def start(self, name: str) -> None:
        """Starts a node's Patroni, which starts PostgreSQL."""
        here, api = f"127.0.0.1:{self._ports[name]}", f"127.0.0.1:{self._apis[name]}"
        users = {role: {"username": "postgres", "password": "x"} for role in ("superuser", "replication", "rewind")}
        written: dict[str, Any] = {
            "scope": "mail",
            "name": name,
            "restapi": {"listen": api, "connect_address": api},
            "etcd3": {"host": f"127.0.0.1:{self._etcd_port}"},
            "bootstrap": {"dcs": DCS, "initdb": [{"encoding": "UTF8"}, {"locale": "C"}, {"auth": "trust"}]},
            "postgresql": {
                "listen": here,
                "connect_address": here,
                "data_dir": str(self._place.path / name),
                "bin_dir": str(self._place.binaries),
                "authentication": users,
                "pg_hba": ["host all all 127.0.0.1/32 trust", "host replication all 127.0.0.1/32 trust"],
                "parameters": {"unix_socket_directories": ""},
            },
        }
        path = self._place.path / f"{name}.json"
        path.write_text(json.dumps(written))  # JSON is YAML, too
        path.chmod(0o644)
        self._run(name, self._programs / "patroni", path)

    # What a Stage asks

    @property
    def conninfo(self) -> str:
        """How clients connect."""
        ports = ",".join(map(str, self._ports.values()))
        return f"host=127.0.0.1,127.0.0.1,127.0.0.1 port={ports} user=postgres dbname={DATABASE}"

    @property
    def primary(self) -> "Patroni":
        """Whoever it is now."""
        return self

    def ask(self, query: str, database: str = DATABASE) -> Any:
        """The first column of the first row, from the primary."""
        words = self.conninfo.replace(f"dbname={DATABASE}", f"dbname={database}")
        where = f"{words} target_session_attrs=read-write connect_timeout=2"
        with psycopg.connect(where, autocommit=True) as connection:
            cursor = connection.execute(query.encode())
            row = cursor.fetchone() if cursor.description else None
        return row[0] if row else None

    def has_quorum(self, standbys: int = 1) -> None:
        """Returns when there is a primary, with so many standbys that count."""
        query = "select count(*) from pg_stat_replication where state = 'streaming' and sync_state in ('quorum', 'sync')"

        def has() -> bool:
            try:
                return int(self.ask(query, "postgres")) >= standbys
            except psycopg.OperationalError:
                return False

        wait_until(has, 180)

    # What is done to it

    def leader(self) -> str:
        """The name of the primary."""
        port = int(self.ask("select current_setting('port')", "postgres"))
        return next(name for name, own in self._ports.items() if own == port)

    def postmaster(self, name: str) -> int:
        """The first process of a node's PostgreSQL."""
        return int((self._place.path / name / "postmaster.pid").read_text().split()[0])

    def kill(self, name: str, with_patroni: bool) -> None:
        """PostgreSQL of a node is gone at once; or the machine is."""
        if with_patroni:
            self._processes[name].kill()
            self._processes[name].wait()
        os.kill(self.postmaster(name), signal.SIGKILL)

    def signal(self, name: str, signum: int) -> None:
        """To all processes of a node: Patroni and PostgreSQL, as if the machine stood still, or went on."""
        first = [self._processes[name].pid, self.postmaster(name)]
        for pid in processes(first):
            with suppress(ProcessLookupError):
                os.kill(pid, signum)

    def switch(self, name: str) -> None:
        """Another one becomes primary, in order."""
        ctl = [str(self._programs / "patronictl"), "-c", str(self._place.path / f"{name}.json")]
        subprocess.run([*ctl, "switchover", "mail", "--leader", name, "--force"], check=True, capture_output=True)

    def close(self) -> None:
        """Ends all."""
        for name in NAMES:
            with suppress(OSError):
                os.kill(self.postmaster(name), signal.SIGQUIT)
        for process in self._processes.values():
            process.kill()
            process.wait()


def played(cluster: Patroni, what: str) -> None:
    """Does one thing while mail comes, and counts."""
    began = time.monotonic()
    directory = Path(tempfile.mkdtemp(prefix="carteiro-patroni-"))
    stage = Stage(cluster, directory, None, "", ("--seconds", "600"))  # type: ignore[arg-type]
    try:
        stage.storm.acknowledge(300)
        name = cluster.leader()
        if what == "switch-over":
            cluster.switch(name)
        elif what == "machine frozen":
            cluster.signal(name, signal.SIGSTOP)
        else:
            cluster.kill(name, with_patroni=what == "machine killed")
        wait_until(lambda: _is_led_by_another(cluster, name), 120)
        stage.storm.acknowledge(300, 120)
        if what == "machine killed":
            cluster.start(name)
        elif what == "machine frozen":
            cluster.signal(name, signal.SIGCONT)
        cluster.has_quorum(2)
        stage.storm.acknowledge(300, 120)
        print(row(f"Patroni: {what}", Played(stage.count(), time.monotonic() - began)), flush=True)
    finally:
        stage.close()
        shutil.rmtree(directory)


def _is_led_by_another(cluster: Patroni, name: str) -> bool:
    try:
        return cluster.leader() != name
    except psycopg.OperationalError:
        return False


def main() -> int:
    """Plays all rounds."""
    parser = argparse.ArgumentParser(prog="patroni")
    parser.add_argument("--patroni", type=Path, default=Path("/opt/patroni/bin"))
    parser.add_argument("--rounds", type=int, default=1)
    options = parser.parse_args()
    place = Place()
    began = time.monotonic()
    cluster = Patroni(place, options.patroni)
    try:
        cluster.begin()
        cluster.has_quorum(2)
        print(f"from nothing to a quorum: {time.monotonic() - began:.0f} s\n", file=sys.stderr)
        cluster.ask(f"create database {DATABASE}", "postgres")
        init = [sys.executable, str(ROOT / "bin" / "smtpd"), "--database", cluster.conninfo, "--database-init"]
        subprocess.run(init, check=True)
        print(
            f"| scenario | {' | '.join(COLUMNS)} | in doubt | silence | took |\n|{'---|' * (len(COLUMNS) + 4)}", flush=True
        )
        for what in ("PostgreSQL killed", "machine killed", "machine frozen", "switch-over") * options.rounds:
            played(cluster, what)
    finally:
        cluster.close()
        place.clear()
    return 0


if __name__ == "__main__":
    sys.exit(main())
