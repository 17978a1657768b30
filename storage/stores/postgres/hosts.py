"""The hosts of a cluster: how each is reached, and what was heard of each. Decides which of them may be written to.

Knows nothing about connections.

A promoted standby begins a new timeline, and the primary before it may not know that it is one no longer. Two rules keep
from writing to it. The highest timeline that was ever seen is remembered, and a host on a lower one is not used. And who has
no connection that stands asks all hosts before it uses one: each must have said which timeline it is on, or not be there.
"""

import ipaddress
import socket
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from psycopg import Error
from psycopg.pq import Conninfo

from ...errors import StorageError

_LEFT_OUT = {b"host", b"hostaddr", b"port", b"load_balance_hosts", b"connect_timeout"}
"""What is decided here, and not by libpq."""

_OURS = {b"fallback_application_name": b"carteiro", b"gssencmode": b"disable", b"client_encoding": b"UTF8"}


class Host(NamedTuple):
    """One host: its name for people, and what libpq is told. `host` is None where libpq is to use its own default."""

    name: str
    host: bytes | None
    address: bytes | None
    port: bytes | None
    rest: dict[bytes, bytes]

    @property
    def needs_look_up(self) -> bool:
        """Whether its address has to be looked up, which may take long."""
        return bool(self.host) and not self.address and not _is_place(self.host or b"")

    def conninfo(self, addresses: Iterable[bytes] = ()) -> bytes:
        """The connection string, in which no name has to be looked up. `addresses` are those of its name, if it has one."""
        found = [self.address] if self.address else list(addresses)
        count = max(1, len(found))
        words = dict(self.rest)
        if self.host:
            words[b"host"] = b",".join([self.host] * count)
        if found:
            words[b"hostaddr"] = b",".join(found)
        if self.port:
            words[b"port"] = b",".join([self.port] * count)
        return b" ".join(b"%b='%b'" % (key, _escaped(value)) for key, value in words.items())

    def look_up(self) -> list[bytes]:
        """The addresses of its name; none if it has none now. May take long."""
        if not self.needs_look_up:
            return []
        try:
            found = socket.getaddrinfo(self.host, None, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError):
            return []
        return list(dict.fromkeys(str(entry[4][0]).encode() for entry in found))


def _is_place(host: bytes) -> bool:
    """Whether it is a directory of sockets, or an address."""
    if host.startswith((b"/", b"@")):
        return True
    try:
        ipaddress.ip_address(host.decode())
    except ValueError:
        return False
    return True


def _escaped(value: bytes) -> bytes:
    return value.replace(b"\\", b"\\\\").replace(b"'", b"\\'")


def parse(database: str) -> list[Host]:
    """The hosts of a connection string, as libpq takes it (`host=a,b dbname=mail`, or a URI). Raises StorageError."""
    try:
        options = Conninfo.parse(database.encode())
    except Error as error:
        raise StorageError(f"--database: {' '.join(str(error).split())}: write it as 'host=a,b,c dbname=mail'") from error
    given = {option.keyword: option.val for option in options if option.val is not None}
    rest = {
        **_OURS,
        **{key: value for key, value in given.items() if key not in _LEFT_OUT and not key.startswith(b"target_")},
    }
    names, addresses = (given.get(key, b"").split(b",") for key in (b"host", b"hostaddr"))
    count = max(len(names), len(addresses))
    columns = [_spread(given.get(key, b""), count, key.decode()) for key in (b"host", b"hostaddr", b"port")]
    return [_host(name, address, port, rest) for name, address, port in zip(*columns, strict=True)]


def _spread(text: bytes, count: int, key: str) -> list[bytes]:
    """The values for so many hosts: one is for all of them."""
    values = text.split(b",")
    if len(values) not in (1, count):
        raise StorageError(
            f"--database: {key} has {len(values)} values for {count} hosts: give one for each, or one for all"
        )
    return values if len(values) == count else values * count


def _host(name: bytes, address: bytes, port: bytes, rest: dict[bytes, bytes]) -> Host:
    shown = (name or address or b"the default host").decode(errors="replace")
    return Host(f"{shown}:{port.decode()}" if port else shown, name or None, address or None, port or None, rest)


class Hosts:
    """What all connections of a process know of the hosts, numbered from 0."""

    def __init__(self, all_of_them: Sequence[Host]) -> None:
        self._all = all_of_them
        self._heard: dict[int, int] = {}
        self._standing = 0
        self._doubted: int | None = None
        self.timeline = 0
        """The highest that was seen."""
        self.failovers = 0

    def __len__(self) -> int:
        return len(self._all)

    def __getitem__(self, number: int) -> Host:
        return self._all[number]

    def order(self, first: int) -> list[int]:
        """The hosts in the order in which to try them: the primary, as far as it is known; then from `first` on."""
        count = len(self._all)
        numbers = [(first + number) % count for number in range(count)]
        return sorted(numbers, key=lambda number: not (self.timeline and self._heard.get(number) == self.timeline))

    def hear(self, number: int, timeline: int = 0) -> None:
        """A host has said that it is a primary on this timeline; or (0) it is none, or did not answer."""
        self._heard[number] = timeline
        if timeline > self.timeline:
            self.failovers += self.timeline > 0
            self.timeline = timeline

    def objection(self, timeline: int) -> str:
        """Why a primary on this timeline may not be used now; "" if it may."""
        if timeline < self.timeline:
            return f"it is an old primary, on timeline {timeline}, and there is or was one on {self.timeline}"
        if not self._standing and len(self._heard) < len(self._all):
            return NOT_ALL_ASKED
        return ""

    def stand(self) -> None:
        """A connection is in use from now on."""
        self._standing += 1

    def fall(self) -> None:
        """It is no longer. With the last one it is forgotten which hosts were asked, unless another has become primary."""
        self._standing -= 1
        if not self._standing and not self._is_superseded:
            self._heard.clear()

    def doubt(self, number: int) -> None:
        """The host that is in use is silent: what others said is forgotten, and they are asked anew, until `trust`."""
        self._heard = {number: self._heard.get(number, 0)}
        self._doubted = number

    def trust(self) -> None:
        """It is in doubt no longer."""
        self._doubted = None

    @property
    def is_used(self) -> bool:
        """Whether a connection is in use."""
        return self._standing > 0

    @property
    def _is_superseded(self) -> bool:
        """Whether another host has said, since the one in use is in doubt, that it is the primary now."""
        return self._doubted is not None and self._heard.get(self._doubted, 0) < self.timeline


NOT_ALL_ASKED = "the other hosts are asked first"
ONLY_ASKED = "it is only asked who it is"
IS_STANDBY = "it is a standby"
NO_FAULTS = (NOT_ALL_ASKED, ONLY_ASKED, IS_STANDBY)
"""Objections to hosts with which nothing is wrong."""
