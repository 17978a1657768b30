"""A server of several processes on a disk in memory, and what it has said of each message.

Actions are carried out one after the other, whoever's they are. At the end the mailboxes are looked at.
"""

from collections.abc import Callable
from itertools import count

from storage.errors import StorageError
from storage.mailboxes.mbox import MboxMailboxes
from storage.stores.journalled import JournalledStore
from storage.stores.mail_stores import MailStores
from storage.stores.shared import SharedStore

from ...kit.post import MailboxKind
from ...kit.processes import Died, Machine, Process, replace
from ...kit.support import once
from .test_power_cuts import BUGS, DIRECTORY, entries, is_verbatim

BOXES = ("johndoe", "babydoe")
PARENT = 0


class Clock:
    """What is seen of time: it passes between actions only, and a little at each look."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        self.now += 1e-6
        return self.now

    def time(self) -> float:
        return self.monotonic()

    def thread_time(self) -> float:
        return 0.0

    def sleep(self, seconds: float) -> None:
        self.now += seconds


CLOCK = Clock()
IDS = (f"{number:08}" for number in count())

Action = tuple[str, int, int, int]
"""What is done, to or by which process (0 is the parent), and two numbers."""


class World:
    """A machine, the processes of a server on it, and what they have said of each message."""

    def __init__(self, kind: MailboxKind, choose: Callable[[int], int]) -> None:
        CLOCK.now = 0.0
        BUGS.begin()
        self.kind = kind
        self.choose = choose
        self.machine = Machine()
        self.count = 2
        self.stores: dict[int, JournalledStore | SharedStore] = {}
        self.processes: dict[int, Process] = {}
        self.said: dict[int, bool] = {}
        self.boxes: dict[int, tuple[str, ...]] = {}
        self.answered: dict[int, list[int]] = {}
        self.is_excused = False
        self.has_failed = False
        self.may_refuse = False
        """Something was wrong that a message may have met: else all are accepted."""
        self.dies_at = 0
        """The call at which the next process dies that begins."""

    def run(self, actions: list[Action]) -> None:
        for action in actions:
            CLOCK.now += 0.01
            try:
                self.act(*action)
            except Died:
                self.bury()
            except StorageError:
                assert self.machine.disk.failing
                self.kill_all()

    def act(self, action: str, number: int, first: int, second: int) -> None:
        self.may_refuse = self.may_refuse or action in ("lock", "fail")
        if action == "lock":
            self.machine.disk.locked = {f"{box}.txt".encode() for box in BOXES[:first]}
        elif action == "replace" and self.kind is MboxMailboxes:
            replace(self.machine, f"{BOXES[first % len(BOXES)]}.txt".encode())
        elif action == "fail":
            self.has_failed = True
            self.machine.disk.failing = {("append", "truncate", "sync", "write")[second % 4]} if first else set()
        elif action == "restart":
            if second:
                self.close_all()
            self.kill_all()
            self.count = 1 + first % 3
        else:
            self.use(action, number % (self.count + 1), first, second)

    def use(self, action: str, number: int, first: int, second: int) -> None:
        """One of the processes, begun when it is not there, does something."""
        if action == "commit" and self.count == 1:
            number = PARENT
        store = self.store(PARENT) if self.count == 1 else self.store(number)
        if action == "commit" and (number or self.count == 1):
            self.commit(store, number, first, BOXES[: 1 + second % 2])
        elif action == "tidy":
            for _ in range(first):
                if store.tidy(is_idle=True) != 0.0:
                    break  # there is nothing to do now, and no time passes before the next action
        elif action == "die":
            process = self.processes[number if number in self.processes else PARENT]
            process.dies_at = process.calls + first + 1
        elif action == "settle" and (number or self.count == 1):
            assert not isinstance(store, SharedStore) or self.count == 1
            while store.settle():
                pass

    def store(self, number: int) -> JournalledStore | SharedStore:
        if PARENT not in self.stores:
            parent = self.processes[PARENT] = Process(self.machine, self.dies_at)
            self.dies_at = 0
            first = MailStores(self.kind, DIRECTORY, self.count, parent).first
            assert isinstance(first, SharedStore)
            self.stores[PARENT] = first
        if number not in self.stores:
            process = self.processes[number] = Process(self.machine)
            self.stores[number] = JournalledStore(DIRECTORY, self.kind, process, part=f"worker-{number}")
        return self.stores[number]

    def commit(self, store: JournalledStore | SharedStore, number: int, size: int, boxes: tuple[str, ...]) -> None:
        id = len(self.boxes)
        self.boxes[id] = boxes
        message = store.begin(b"a@b", [(box, box.encode()) for box in boxes], is_verbatim(id))
        content = b"\n%d-%d " % (id, id) + b"x" * size + b"-%d\r\n" % id
        for at in range(0, len(content), 900):
            message.write(content[at : at + 900])

        def answer(fault: object) -> None:
            self.said[id] = fault is None
            self.answered.setdefault(number, []).append(id)
            if not self.may_refuse:
                assert fault is None, fault

        message.commit(once(answer))

    def bury(self) -> None:
        """Those that died are gone. When the parent is, the others drain, which is nothing but being closed."""
        for number, process in list(self.processes.items()):
            if process.is_dead:
                self.excuse(number)
                self.stores.pop(number, None)
                del self.processes[number]
        if PARENT not in self.processes and self.processes:
            self.close_all()

    def excuse(self, number: int) -> None:
        """What was refused may come when that could not be written either."""
        store = self.stores.get(number)
        if isinstance(store, SharedStore):
            store = store._store
        if isinstance(store, JournalledStore) and store._journal._voids:
            self.is_excused = True

    def close_all(self) -> None:
        for number in sorted(self.stores, reverse=True):
            store = self.stores.get(number)
            if store:
                try:
                    store.close()
                except Died:
                    self.bury()
                else:
                    self.excuse(number)
                    self.stores.pop(number, None)
                    self.processes.pop(number).die()

    def kill_all(self) -> None:
        for number in list(self.processes):
            self.processes[number].die()
            self.excuse(number)
        self.stores.clear()
        self.processes.clear()

    def cut_power(self) -> None:
        self.kill_all()
        locked = self.machine.disk.locked
        self.machine.disk = self.machine.disk.crash(self.choose)
        self.machine.disk.locked = locked
        self.machine.holders.clear()

    def check(self) -> None:
        """Recovers, in peace, and looks at the mailboxes."""
        disk = self.machine.disk
        disk.failing, disk.locked, disk.power_fails_at = set(), set(), 0
        if self.choose(2) and not self.has_failed:
            self.cut_power()
        self.kill_all()
        self.count = 1 + self.choose(3)
        store = self.store(PARENT)
        for number in range(1, self.count + 1 if self.count > 1 else 1):
            self.store(number)
        assert store
        self.close_all()
        assert not BUGS.found
        for box in BOXES:
            self.check_box(box, self.found(box))
        assert not [name for name in self.machine.disk.top.names if name.endswith(b".lock")], "a lock was left"

    def check_box(self, box: str, found: list[int]) -> None:
        assert len(found) == len(set(found)), f"twice in {box}: {found}"
        for number, answered in self.answered.items():
            due = [id for id in answered if self.said[id] and box in self.boxes[id]]
            assert {*due} <= {*found}, f"lost in {box}: {due} {found}"
            if self.kind is MboxMailboxes and not self.has_failed:
                assert [id for id in found if id in due] == due, f"disordered in {box}, of {number}: {due} {found}"
        refused = {id for id in found if self.said.get(id) is False}
        assert not refused or self.is_excused, f"refused, and in {box}: {refused}"

    def found(self, box: str) -> list[int]:
        names = self.machine.disk.top.names
        if self.kind is MboxMailboxes:
            return list(entries(bytes(names[f"{box}.txt".encode()].now))) if f"{box}.txt".encode() in names else []
        new = names[box.encode()].names.get(b"new") if box.encode() in names else None
        texts = [b"From a@b now\n" + bytes(file.now) + b"\n" for file in new.names.values()] if new else []
        return [next(entries(text)) for text in texts]
