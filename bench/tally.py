"""Counts what a server has stored and used: messages in mailbox files, and the CPU time and memory of its processes.

Knows nothing about what was sent.
"""

import os
from pathlib import Path


class Tally:
    """Counts the messages that were added to the files mail/*.txt of a directory since the Tally was made.

    Earlier content may be large and is not read; each new octet is read once. A message counts when its From line is there.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._read = {path: path.stat().st_size for path in directory.glob("mail/*.txt")}
        self._count = 0

    def __call__(self) -> int:
        """The number of messages so far."""
        for path in self._directory.glob("mail/*.txt"):
            begin = self._read.get(path, 0)
            if path.stat().st_size > begin:
                self._read[path] = begin + self._look_through(path, begin)
        return self._count

    def _look_through(self, path: Path, begin: int) -> int:
        """Counts from `begin` on. Returns the octets read: whole lines only, as a From line may be half written."""
        taken = 0
        with path.open("rb") as file:
            file.seek(begin)
            while block := file.read(1 << 20):
                lines = block[: block.rfind(b"\n") + 1]
                if not lines:
                    break
                self._count += lines.count(b"\nFrom ") + lines.startswith(b"From ")
                taken += len(lines)
                file.seek(begin + taken)
        return taken


def processes(pid: int) -> list[int]:
    """A process and all its descendants."""
    found, parents = [pid], _parents()
    for each in found:
        found.extend(child for child, parent in parents.items() if parent == each)
    return found


def _parents() -> dict[int, int]:
    parents = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            parents[int(path.parent.name)] = int(path.read_text().rpartition(")")[2].split()[1])
        except OSError:  # the process is gone
            continue
    return parents


def cpu_seconds(pid: int) -> float:
    """User and system time of a process and its descendants so far, all threads included, to 10 ms.

    Processes that have ended count, too, once their parent has waited for them.
    """
    return sum(cpu_of(each) for each in processes(pid))


def cpu_of(pid: int) -> float:
    """The same of the process alone, and of those that it has waited for."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")


def resident_kib(pid: int, field: str = "VmRSS") -> int:
    """The resident memory in KiB of a process and its descendants; VmHWM: the sum of their peaks."""
    return sum(_resident(each, field) for each in processes(pid))


def _resident(pid: int, field: str) -> int:
    return int(Path(f"/proc/{pid}/status").read_text().partition(f"{field}:")[2].split()[0])
