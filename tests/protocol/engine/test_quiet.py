"""Where nobody keeps a log, mail is taken all the same."""

import pytest

from protocol.classic.table import CLASSIC
from protocol.engine.environment import Report, Site, nobody_is_told
from protocol.engine.session import Session

from ...kit.support import MESSAGE, NOW, MemoryStore, find_user


@pytest.mark.parametrize("is_told", [True, False])
def test_a_message_is_answered_whether_or_not_somebody_is_told(is_told: bool) -> None:
    told: list[str] = []

    def report(words: str, *values: object) -> None:
        told.append(words % values)

    store = MemoryStore()
    tell: Report = report if is_told else nobody_is_told
    session = Session(Site(CLASSIC, b"mx.test", find_user, store, lambda: NOW, 1000), "192.0.2.1", tell, lambda: None)
    for line in MESSAGE:
        session.receive(line.encode() + b"\r\n")
    store.settle()
    session.resume()
    assert session.outgoing.endswith(b"250 Message accepted for delivery\r\n")
    assert len(told) == is_told
