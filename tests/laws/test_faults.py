"""Would the tests notice? Faults are planted in a copy of the source, one each; the tests that are for it must turn red."""

import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from ..kit.postgres import programs
from ..kit.support import copy_of_sources, program


class Change(NamedTuple):
    """What is written in a file instead of something that stands there once."""

    path: str
    old: str
    new: str


class Fault(NamedTuple):
    """What is wrong, and the tests that are to notice."""

    name: str
    changes: tuple[Change, ...]
    tests: tuple[str, ...]
    needs: str = ""
    """A program without which these tests are skipped."""


FAULTS = (
    Fault(
        "recovery cuts off what other programs wrote",
        (
            Change(
                "storage/mailboxes/mbox.py",
                "            if not _may_become(data, piece):\n                return False\n",
                "",
            ),
            Change("storage/mailboxes/mbox.py", "        if offset < now.size:\n            return False\n", ""),
        ),
        ("tests/storage/journal/test_journal.py", "-k", "changed_before_the_recovery and appended"),
    ),
    Fault(
        "every message is refused",
        (
            Change(
                "storage/stores/journalled.py",
                "outcomes = self._accept(complete)",
                "outcomes = [fault('x', OSError(5, 'x'))] * len(complete)",
            ),
        ),
        ("tests/storage/stores/test_power_cuts.py", "-k", "test_nothing_acknowledged"),
    ),
    Fault(
        "every message is refused, by workers",
        (
            Change(
                "storage/stores/journalled.py",
                "outcomes = self._accept(complete)",
                "outcomes = [fault('x', OSError(5, 'x'))] * len(complete)",
            ),
        ),
        ("tests/storage/stores/test_shared.py", "-k", "any_call"),
    ),
    Fault(
        "the power never fails in the simulation",
        (Change("tests/kit/disk.py", "            raise PowerCut\n", "            return\n"),),
        ("tests/storage/stores/test_power_cuts.py", "-k", "the_power_fails"),
    ),
    Fault(
        "the journal is not synced",
        (
            Change(
                "storage/journal/journal.py",
                "began = time.monotonic()\n            self._files.sync(segment.file)\n",
                "began = time.monotonic()\n",
            ),
        ),
        ("tests/storage/stores/test_power_cuts.py", "-k", "test_nothing_acknowledged"),
    ),
    Fault(
        "a bug in moving is survived, and nobody is told",
        (
            Change(
                "storage/delivery/mover.py",
                "        queue.works()\n",
                '        queue.works()\n        assert queue.mailbox != "babydoe"\n',
            ),
        ),
        ("tests/storage/stores/test_power_cuts.py", "-k", "test_nothing_acknowledged"),
    ),
    Fault(
        "spool files go before the journal says that they may",
        (
            Change(
                "storage/delivery/housekeeping.py",
                "        self._journal.append_all([encode(intent) for intent in intents])\n        for mailbox in concluded",
                "        for mailbox in concluded",
            ),
        ),
        ("tests/storage/test_disk_room.py", "-k", "when_the_last_mailbox_has_it"),
    ),
    Fault(
        "no room is kept on the disk",
        (Change("storage/room.py", "free // self._shares - self._owed() - min(SPARE, size // 16)", "free"),),
        ("tests/storage/test_disk_room.py", "-k", "disk_that_is_full"),
    ),
    Fault(
        "the loop forgets that it was asked to turn soon",
        (
            Change(
                "reactor/loop.py",
                "self._within = min(self._within, seconds)",
                "pass",
            ),
        ),
        ("tests/reactor/test_loop.py",),
    ),
    Fault(
        "who had no time does not come first",
        (Change("reactor/loop.py", "        left.sort(key=lambda entry: entry[0].fd in self._served)\n", ""),),
        ("tests/reactor/test_budget.py", "-k", "in_time"),
    ),
    Fault(
        "who asks for little comes with the others",
        (Change("reactor/loop.py", "if entry[0].fd not in self._asking]", "if False]"),),
        ("tests/reactor/test_budget.py", "-k", "two_turns"),
    ),
    Fault(
        "an intent goes with its segment, though messages in later ones need it",
        (Change("storage/delivery/housekeeping.py", "        yield from self._conclude_beyond(done)\n", ""),),
        ("tests/storage/delivery/test_housekeeping.py", "-k", "stays_moved"),
    ),
    Fault(
        "all records of TLS are decrypted at once",
        (Change("reactor/stream/tls.py", "RECORDS = 32\n", "RECORDS = 10_000\n"),),
        ("tests/reactor/stream/test_handshakes.py", "-k", "many_records"),
    ),
    Fault(
        "a reply is imported and never given",
        (
            Change("protocol/engine/replies.py", "NOT_STORED = ", 'UNHEARD = Reply(250, b"x", b"2.0.0")\nNOT_STORED = '),
            Change(
                "protocol/engine/session.py",
                "from .replies import ",
                "from .replies import UNHEARD  # noqa: F401\nfrom .replies import ",
            ),
        ),
        ("tests/protocol/engine/test_replies.py",),
    ),
    Fault(
        "a link leads to no heading",
        (Change("docs/design.md", "storage.md#moving-and-freeing", "storage.md#moving-and-feeding"),),
        ("tests/laws/test_house.py", "-k", "links"),
    ),
    Fault(
        "a general name is installed",
        (Change("setup.py", "packages=[f", 'packages=["service"] + [f'),),
        ("tests/laws/test_packaging.py",),
    ),
    Fault(
        "one worker gets all clients",
        (
            Change(
                "service/listeners.py",
                "own = [listener.of(number) for listener in listeners]",
                "own = [listener.of(number) for listener in listeners if number == 1]",
            ),
        ),
        ("tests/reactor/test_supervisor.py", "-k", "share_clients"),
    ),
    Fault(
        "the last reply is another one",
        (Change("protocol/engine/replies.py", "UNRECOGNIZED = Reply(500,", "UNRECOGNIZED = Reply(502,"),),
        ("tests/storage/stores/test_garbage.py", "-k", "discard"),
    ),
    Fault(
        "of several messages that are put in a mailbox together one is left out",
        (
            Change(
                "storage/mailboxes/mbox.py",
                "        for letter in letters:\n            yield from mboxrd.entry(letter)",
                "        for letter in list(letters)[:1] + list(letters)[2:]:\n            yield from mboxrd.entry(letter)",
            ),
        ),
        ("tests/programs/test_interoperability.py", "-k", "test_mutt"),
        "mutt",
    ),
    Fault(
        "a warning is taken for a yes",
        (
            Change(
                "storage/stores/postgres/answers.py", "        if self._warning or objection:\n", "        if objection:\n"
            ),
        ),
        ("tests/storage/stores/postgres/test_store.py", "-k", "in_doubt"),
    ),
    Fault(
        "what is in doubt is sent again by a statement that may write nothing",
        (
            Change(
                "storage/stores/postgres/statements.py",
                "$4::bytea[])\n        ON CONFLICT (id) DO UPDATE SET tries = message.tries + 1",
                "$4::bytea[])\n        ON CONFLICT (id) DO NOTHING",
            ),
            Change(
                "storage/stores/postgres/statements.py",
                "DO UPDATE SET forward_path = excluded.forward_path",
                "DO NOTHING",
            ),
        ),
        ("tests/storage/stores/postgres/test_store.py", "-k", "retry_that_is_answered"),
    ),
    Fault(
        "a 250 is said when the statements are answered",
        (
            Change(
                "storage/stores/postgres/link.py",
                "if result.status != ExecStatus.PIPELINE_SYNC:",
                "if self.state is CHECKING and result.status != ExecStatus.PIPELINE_SYNC:",
            ),
        ),
        ("tests/storage/stores/postgres/test_store.py", "-k", "before_its_sync"),
    ),
    Fault(
        "what was refused is not taken back",
        (Change("storage/stores/postgres/message.py", "            self._owner.take_back(self)\n", "            pass\n"),),
        ("tests/storage/stores/postgres/test_store.py", "-k", "taken_back"),
    ),
    Fault(
        "what is in doubt is sent again under a new id",
        (Change("storage/stores/postgres/message.py", "Row(self.binary_id,", "Row(ids.new(0.0),"),),
        ("tests/storage/stores/postgres/test_store.py", "-k", "in_doubt"),
    ),
    Fault(
        "an export does not note what it is about to put in",
        (
            Change(
                "storage/stores/postgres/export.py",
                "        self._note(name, note._replace(start=opened.extent))\n",
                "",
            ),
        ),
        ("tests/storage/stores/postgres/test_export.py", "-k", "killed_at_any_call"),
    ),
    Fault(
        "two readers give the same number",
        (
            Change(
                "storage/stores/postgres/schema.py",
                "WHERE id = which FOR NO KEY UPDATE;",
                "WHERE id = which;",
            ),
        ),
        ("tests/storage/stores/postgres/test_reader.py", "-k", "uids_are_given_once"),
        "PostgreSQL",
    ),
)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_planted_fault_turns_its_tests_red(tmp_path: Path, fault: Fault) -> None:
    if fault.needs == "PostgreSQL":
        programs()
    elif fault.needs:
        program(fault.needs)
    copy = tmp_path / "copy"
    copy_of_sources(copy, with_compiled=True)
    for path, old, new in fault.changes:
        text = (copy / path).read_text()
        assert text.count(old) == 1, f"{path} has no such place any more: {old!r}"
        (copy / path).write_text(text.replace(old, new))
    env = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "COV_"))}
    env["HYPOTHESIS"] = "at once"
    command = [sys.executable, "-m", "pytest", "-x", "-p", "no:cacheprovider", *fault.tests]
    ended = subprocess.run(command, cwd=copy, env=env, capture_output=True, text=True, timeout=300, check=False)
    assert ended.returncode == 1, f"it was not noticed: {ended.stdout[-2000:]}{ended.stderr[-2000:]}"
