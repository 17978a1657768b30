"""Processes that share a disk in memory: each has its own locks, and may die alone, before or during any call."""

from typing import Any

from storage.files import Files, IsLocked

from .disk import CALLS, SECTOR, Forgetful, Node


class Died(BaseException):
    """The process is dead."""


class Machine:
    """A disk, and which process has which file locked."""

    def __init__(self) -> None:
        self.disk = Forgetful()
        self.holders: dict[Node, Process] = {}
        self.begun = 0
        """How many processes have been started."""


class Process(Files):
    """The disk as one process of a machine sees it. The process dies at call number `dies_at`, from 1; 0: never.

    If it dies in a write, half of that is done. Its files are closed, and further calls while Python unwinds have no effect.
    """

    def __init__(self, machine: Machine, dies_at: int = 0) -> None:
        self.machine = machine
        self.dies_at = dies_at
        self.calls = 0
        self.is_dead = False
        self._opened: set[int] = set()
        machine.begun += 1
        self._lists_backwards = machine.begun % 3 == 0

        def passed_on(name: str) -> Any:
            def call(*arguments: Any) -> Any:
                if self.is_dead:
                    if name == "find":
                        raise FileNotFoundError
                    return None
                self.calls += 1
                if self.calls == self.dies_at:
                    if name in ("write", "append"):
                        self._write_half(name, *arguments)
                    self.die()
                    raise Died
                return self._made(name, getattr(self.machine.disk, name)(*arguments))

            return call

        for name in CALLS:
            if name not in ("lock", "close"):
                setattr(self, name, passed_on(name))

    def _write_half(self, name: str, descriptor: int, data: bytes, offset: int = 0) -> None:
        half = len(data) // 2
        if name == "append":
            self.machine.disk.append(descriptor, bytes(data[:half]))
        else:  # a sector is written wholly or not at all
            self.machine.disk.write(descriptor, bytes(data[: max(0, half - (offset + half) % SECTOR)]), offset)

    def _made(self, name: str, result: Any) -> Any:
        if name in ("open", "open_top"):
            self._opened.add(result)
        return result[::-1] if name == "names" and self._lists_backwards else result

    def lock(self, descriptor: int) -> None:
        if self.is_dead:
            return
        self.machine.disk.lock(descriptor)
        node = self.machine.disk._at(descriptor)
        if self.machine.holders.setdefault(node, self) is not self:
            raise IsLocked

    def close(self, descriptor: int) -> None:
        """Closes a descriptor. Whichever descriptor of a file is closed, the process loses its lock on the file."""
        if self.is_dead:
            return
        node = self.machine.disk._at(descriptor)
        self._opened.remove(descriptor)
        self.machine.disk.close(descriptor)
        if self.machine.holders.get(node) is self:
            del self.machine.holders[node]

    def die(self) -> None:
        """Dies as by SIGKILL."""
        for descriptor in list(self._opened):
            self.close(descriptor)
        self.is_dead = True


def replace(machine: Machine, name: bytes) -> None:
    """Acts as a mail program that locks a mailbox file, and puts another with the same content in its place."""
    disk = machine.disk
    old = disk.top.names.get(name)
    if old and old not in machine.holders and name not in disk.locked:
        new = disk._node(False)
        new.now = bytearray(old.now)
        new.on_disk = bytes(old.now)
        disk.top.names[name] = disk.top.names_on_disk[name] = new
