"""Housekeeping takes little time from others while there is room, and the time in which they only wait."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from storage.mailboxes.mailbox import MailboxKind
from storage.mailboxes.maildir import MaildirMailboxes
from storage.mailboxes.mbox import MboxMailboxes
from storage.stores.journalled import JournalledStore

from ...kit.disk import Watched
from ...kit.post import Post


@pytest.mark.parametrize(
    ("busy", "fullness", "least", "most"),
    [
        (1.0, 0.0, 0.01, 0.03),
        (0.5, 0.0, 0.15, 0.3),
        (0.0, 0.0, 0.3, 0.5),
        (1.0, 0.5, 0.06, 0.09),
        (1.0, 0.8, 0.35, 0.42),
        (1.0, 1.0, 0.85, 0.95),
    ],
)
def test_its_share_of_the_time(
    busy: float, fullness: float, least: float, most: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Others are `busy` for a part of the time in which it does not work; never do they wait for long."""
    housekeeping = Post(tmp_path).store._housekeeping
    clock = SimpleNamespace(now=0.0)
    clock.monotonic = lambda: clock.now
    slices: list[float] = []

    def work(seconds: float, steps: int) -> None:
        slices.append(seconds)
        clock.now += seconds

    monkeypatch.setattr("storage.delivery.housekeeping.time", clock)
    monkeypatch.setattr(housekeeping, "work", work)
    monkeypatch.setattr(housekeeping, "fullness", lambda: fullness)
    housekeeping._ended = housekeeping._saved = 0.0
    for _ in range(20_000):
        clock.now += 0.0002
        housekeeping.tidy(is_idle=False, waited=0.0002 * (1 - busy))
    assert least < sum(slices) / clock.now < most
    assert max(slices) < 0.006, "nor do others wait for it"


@pytest.mark.parametrize("kind", [MboxMailboxes, MaildirMailboxes])
def test_a_first_message_is_moved_at_once_also_by_a_slow_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: MailboxKind
) -> None:
    """In the turn of its reply, while a sync takes longer than a slice: the clock moves with syncs only."""
    clock = SimpleNamespace(now=0.0)
    clock.monotonic = lambda: clock.now
    syncs: list[str] = []

    def slow(number: int, name: str) -> None:
        if name in ("sync", "sync_names"):
            clock.now += 0.006
            syncs.append(name)

    post = Post(tmp_path, kind, Watched(slow))
    monkeypatch.setattr("storage.delivery.housekeeping.time", clock)
    post.store._housekeeping._ended = clock.now
    post.commit(b"\nhello\n")
    post.store.settle()
    syncs.clear()
    post.store.tidy(is_idle=False)
    found = [path.read_bytes() for path in tmp_path.rglob("johndoe*") if path.is_file()]
    found += [path.read_bytes() for path in tmp_path.glob("johndoe/new/*")]
    assert len(found) == 1 and b"hello\n" in found[0]
    assert syncs, "it took its time"


SEGMENT = 6 * 1024
BOXES = [f"user{number}" for number in range(10)]


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Segments for a dozen messages, which are freed when they are full, and not before."""
    monkeypatch.setattr("storage.journal.format.SIZE", SEGMENT)
    monkeypatch.setattr("storage.delivery.housekeeping.AGE", 3600.0)


@pytest.mark.usefixtures("small")
def test_a_mailbox_is_synced_once_for_many_segments(tmp_path: Path) -> None:
    """As many as are moved together: what waits longer costs less."""
    syncs = 0

    def count(number: int, name: str) -> None:
        nonlocal syncs
        syncs += name == "sync"

    post = Post(tmp_path, files=Watched(count))
    for number in range(20):
        for box in BOXES:
            post.commit(b"\n%d\n" % number + b"x" * 400, box)
            post.store.settle()
    segments = len(post.store._journal.segments)
    assert segments > 15
    syncs = 0
    post.move()
    assert len(post.store._journal.segments) <= 2, "they are freed"
    assert len(BOXES) <= syncs <= 2 * len(BOXES) + segments + 5
    assert all(len(post.box(box)) == 20 for box in BOXES)


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize(("together", "least", "most"), [(1, 380, 450), (4, 120, 170)])
def test_segments_wait_for_others_to_share_the_syncs_of_mailboxes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, together: int, least: int, most: int
) -> None:
    """Each segment has mail for each mailbox, and is moved before the next one begins."""
    monkeypatch.setattr("storage.delivery.housekeeping.TOGETHER", together)
    syncs, lengths = 0, []

    def count(number: int, name: str) -> None:
        nonlocal syncs
        syncs += name == "sync"

    post = Post(tmp_path, files=Watched(count))
    for number in range(200):
        post.commit(b"\n%d\n" % number + b"x" * 400, BOXES[number % 10])
        post.store.settle()
        syncs -= 1
        post.move()
        lengths.append(len(post.store._journal.segments))
    assert least < syncs < most and max(lengths) == together
    post.store.close()
    assert not post.store._journal.segments and all(len(post.box(box)) == 20 for box in BOXES)


@pytest.mark.usefixtures("small")
def test_a_journal_that_is_half_full_frees_each_segment_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("storage.delivery.housekeeping.LIMIT", 3)
    post = Post(tmp_path)
    for number in range(50):
        post.put(b"\n%d\n" % number + b"x" * 400)
        assert len(post.store._journal.segments) <= 2


@pytest.mark.usefixtures("small")
def test_no_step_frees_many_segments(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each takes a sync, and the loop waits for a step."""
    monkeypatch.setattr("storage.delivery.housekeeping.SLICE", 0.0)
    syncs = 0

    def count(number: int, name: str) -> None:
        nonlocal syncs
        syncs += name in ("sync", "sync_names")

    post = Post(tmp_path, files=Watched(count))
    for number in range(200):
        post.commit(b"\n%d\n" % number + b"x" * 400, BOXES[number % 10])
        post.store.settle()
    most, before = 0, len(post.store._journal.segments)
    again_in: float | None = 0.0
    while again_in == 0.0:
        syncs = 0
        again_in = post.store.tidy(is_idle=True)
        most = max(most, syncs)
    assert before > 15 and len(post.store._journal.segments) <= 2
    assert most <= 3


@pytest.mark.usefixtures("small")
def test_what_was_moved_stays_moved_when_its_intent_was_in_a_segment_that_is_freed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An intent is for messages in several segments, of which the first is used again before the others."""
    monkeypatch.setattr("storage.delivery.housekeeping.TOGETHER", 1)
    post = Post(tmp_path)
    number = 0
    while len(post.store._journal.segments) < 2:
        post.commit(b"\n%d\n" % number + b"x" * 400)
        post.store.settle()
        number += 1
    post.move()
    assert len(post.store._journal.segments) == 1, "the other is freed"
    assert len(post.box()) == number
    post.store._opened.close()
    JournalledStore(tmp_path, MboxMailboxes).close()
    assert len(post.box()) == number
