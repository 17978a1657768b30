"""A network of this machine's own: each host is in a network namespace, and a router between them drops what is cut.

Knows nothing about what runs on the hosts. Needs root. This process is one of the hosts, so it reaches all others.

A cut is in one direction. What is dropped, is dropped by the router: nobody hears of it, as with a cable.
"""

import os
import shutil
import subprocess
from contextlib import suppress

_HERE = 99
_NUMBERS = set(range(77, 117))
"""Of networks that may be made: each has the addresses 10.NUMBER.x.y, so that there may be several at once."""


def is_possible() -> bool:
    """Whether namespaces can be made here."""
    if os.getuid() or not shutil.which("ip"):
        return False
    name = f"ct{os.getpid()}t"
    made = subprocess.run(["ip", "netns", "add", name], check=False, capture_output=True).returncode == 0
    if made:
        _ip("netns", "del", name)
    return made


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True)


class Network:
    """The router, and hosts as they are added."""

    def __init__(self) -> None:
        self._number = _NUMBERS.pop()
        self._prefix = f"10.{self._number}"
        self._tag = f"ct{os.getpid()}n{self._number}"
        self._router = f"{self._tag}r"
        self._addresses: dict[str, str] = {}
        self._cuts: list[tuple[str, str]] = []
        self._here = f"{self._tag}h"
        _ip("netns", "add", self._router)
        try:
            _ip("netns", "exec", self._router, "sysctl", "-qw", "net.ipv4.ip_forward=1")
            _ip("link", "add", self._here, "type", "veth", "peer", "name", "here", "netns", self._router)
            _ip("addr", "add", f"{self._prefix}.{_HERE}.2/24", "dev", self._here)
            _ip("link", "set", self._here, "up")
            self._connect("here", _HERE)
            _ip("route", "add", self.addresses, "via", f"{self._prefix}.{_HERE}.1")
        except BaseException:
            self.close()
            raise

    @property
    def addresses(self) -> str:
        """Those of all hosts, as PostgreSQL and `ip` write it."""
        return f"{self._prefix}.0.0/16"

    def _connect(self, name: str, number: int) -> None:
        _ip("-n", self._router, "addr", "add", f"{self._prefix}.{number}.1/24", "dev", name)
        _ip("-n", self._router, "link", "set", name, "up")

    def add(self, name: str) -> str:
        """A further host; returns its address."""
        number = len(self._addresses) + 1
        space = self._tag + name
        _ip("netns", "add", space)
        self._addresses[name] = f"{self._prefix}.{number}.2"
        _ip("link", "add", "eth0", "netns", space, "type", "veth", "peer", "name", name, "netns", self._router)
        _ip("-n", space, "addr", "add", f"{self._prefix}.{number}.2/24", "dev", "eth0")
        _ip("-n", space, "link", "set", "eth0", "up")
        _ip("-n", space, "link", "set", "lo", "up")
        self._connect(name, number)
        _ip("-n", space, "route", "add", "default", "via", f"{self._prefix}.{number}.1")
        return self._addresses[name]

    def within(self, name: str) -> tuple[str, ...]:
        """The program that starts another one on this host."""
        return (shutil.which("ip") or "ip", "netns", "exec", self._tag + name)

    def cut(self, source: str, target: str) -> None:
        """From now on nothing gets from one host to another; what comes back does."""
        self._cuts.append((self._addresses[source], self._addresses[target]))
        self._rule("add", *self._cuts[-1])

    def heal(self) -> None:
        """Mends all cuts."""
        while self._cuts:
            self._rule("del", *self._cuts.pop())

    def _rule(self, what: str, source: str, target: str) -> None:
        _ip("-n", self._router, "rule", what, "from", source, "to", target, "blackhole")

    def close(self) -> None:
        """Removes all of it. Programs on the hosts must have ended."""
        for name in (*(self._tag + host for host in self._addresses), self._router):
            with suppress(subprocess.CalledProcessError):
                _ip("netns", "del", name)  # with its end of a link, the other end goes, too
        with suppress(subprocess.CalledProcessError):
            _ip("link", "del", self._here)
        _NUMBERS.add(self._number)
