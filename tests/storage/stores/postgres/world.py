"""A store on a cluster in memory, and clients whose answers are counted."""

from collections.abc import Callable

from storage.contract import Beside, Loop
from storage.errors import StorageError
from storage.stores.postgres import hosts
from storage.stores.postgres.link import Setting
from storage.stores.postgres.store import PostgresStore

from ....kit import cluster
from ....kit.support import once


class World:
    """`answers` has what each client heard: "stored", or the kind of fault."""

    def __init__(self, database: str = "host=10.0.0.1") -> None:
        self.cluster = cluster.Cluster()
        self.loop = cluster.Loop()
        self.answers: dict[bytes, str] = {}
        self.flaws: list[str] = []
        """What was wrong when a client was answered."""
        self.store = PostgresStore(hosts.parse(database), set_up=self._set_up)
        self.store.join(self.loop)

    def _set_up(self, known: hosts.Hosts, loop: Loop, beside: Beside, is_single: bool) -> Setting:
        return Setting(known, loop, beside, is_single, self.cluster.connect)

    def send(self, token: bytes, *mailboxes: str, octets: int = 6) -> None:
        """A client sends a message, and waits."""
        message = self.store.begin(token, [(name, name.encode()) for name in mailboxes or ("johndoe", "babydoe")])
        message.trace(b"Received: x\r\n")
        for place in range(0, octets, 10_000):
            message.write(b"x" * min(10_000, octets - place))
        message.commit(once(self._told(token)))

    def _told(self, token: bytes) -> Callable[[StorageError | None], None]:
        def told(fault: StorageError | None) -> None:
            if token in self.answers:
                self.flaws.append(f"{token!r} was answered twice")
            self.answers[token] = fault.kind if fault else "stored"
            if not fault and token not in [found for found, _ in self.cluster.tokens(self.cluster.safe)]:
                self.flaws.append(f"{token!r} was accepted, and no standby has it")

        return told

    def check(self) -> None:
        """What was promised holds, whatever is lost with the primary."""
        assert not self.flaws
        for rows in (self.cluster.safe, self.cluster.local):
            found = self.cluster.tokens(rows)
            for token, answer in self.answers.items():
                mine = [mailboxes for one, mailboxes in found if one == token]
                if answer == "stored":
                    assert mine == [(b"babydoe", b"johndoe")], f"{token!r} was accepted, and there is {mine}"

    def check_refused(self) -> None:
        """What was refused is not there, now that all was taken back that had to be."""
        found = {token for token, _ in self.cluster.tokens(self.cluster.local)}
        refused = {token for token, answer in self.answers.items() if answer != "stored"}
        assert not found & refused, "refused, and there all the same"
