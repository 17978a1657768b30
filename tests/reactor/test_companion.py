"""A program beside the loop is started again whenever it ends, inherits nothing, and ends with us."""

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator

import pytest

from reactor import companion
from reactor.companion import Companion
from reactor.loop import Reactor

ECHO = "import sys\nfor line in sys.stdin: print('heard', line, end='', flush=True)"
SAY_DESCRIPTORS = """
import os
def is_open(fd):
    try: return bool(os.fstat(fd))
    except OSError: return False
print([fd for fd in range(3, 1000) if is_open(fd)], flush=True)
"""


class World:
    """A reactor, and the lines of the program beside it."""

    def __init__(self) -> None:
        self.reactor = Reactor()
        self.lines: list[bytes] = []
        self.companions: list[Companion] = []

    def begin(self, code: str, *descriptors: int, **environment: str) -> Companion:
        command = [sys.executable, "-c", code]
        heard = self.lines.append
        companion = Companion(self.reactor, "it", command, heard, descriptors=descriptors, environment=environment)
        self.companions.append(companion)
        self.companions[-1].start()
        return self.companions[-1]

    def until(self, is_so: Callable[[], object], seconds: float = 20.0) -> None:
        """Makes turns until something is so."""
        end = time.monotonic() + seconds
        while not is_so():
            assert time.monotonic() < end
            self.reactor.turn_within(0.05)
            self.reactor.turn()


@pytest.fixture
def world() -> Iterator[World]:
    world = World()
    yield world
    for each in world.companions:
        each.close()
    world.reactor.close()


def test_lines_go_to_and_fro(world: World) -> None:
    program = world.begin(ECHO)
    assert program.say(b"one") and program.say(b"two")
    world.until(lambda: len(world.lines) == 2)
    assert world.lines == [b"heard one", b"heard two"]


def test_it_is_started_again_when_it_is_killed(world: World, caplog: pytest.LogCaptureFixture) -> None:
    program = world.begin(ECHO)
    for number in range(1, 4):
        assert program.pid
        os.kill(program.pid, signal.SIGKILL)
        world.until(lambda number=number: program.starts > number)  # type: ignore[misc]
    program.say(b"still here")
    world.until(lambda: world.lines)
    assert world.lines == [b"heard still here"]
    assert "was killed by signal 9: started again" in caplog.text


def test_one_that_ends_as_it_should_is_no_reason_to_worry(world: World, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    program = world.begin("")
    world.until(lambda: program.starts == 2)
    (said,) = [each for each in caplog.records if "ended with 0: started again" in each.message]
    assert said.levelname == "INFO"


def test_it_waits_longer_each_time(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(companion, "LAST_DELAY", 0.2)
    program = world.begin("")
    world.until(lambda: program.starts == 4)
    assert program._delay == 0.2


def test_one_that_cannot_be_started_is_tried_again(world: World, caplog: pytest.LogCaptureFixture) -> None:
    program = Companion(world.reactor, "it", ["/nowhere"])
    world.companions.append(program)
    program.start()
    world.until(lambda: caplog.text.count("cannot be started") == 2)
    assert program.pid is None and not program.say(b"x")


def test_one_that_talks_without_end_is_killed(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(companion, "LONGEST_LINE", 1000)
    program = world.begin("import sys\nwhile True: sys.stdout.write('x' * 1000)")
    world.until(lambda: program.starts == 2)
    assert world.lines == []


def test_it_inherits_what_it_is_given_and_nothing_else(world: World) -> None:
    mine, given = os.open("/dev/null", os.O_RDONLY), os.open("/dev/null", os.O_RDONLY)
    os.set_inheritable(mine, True)
    world.begin(SAY_DESCRIPTORS, given)
    world.until(lambda: world.lines)
    assert world.lines == [f"[{given}]".encode()]
    os.close(mine)
    os.close(given)


def test_ctrl_c_does_not_reach_it_and_its_priority_counts_beside_ours(world: World) -> None:
    """Linux shares the processor among sessions first (sched(7)): in another one, niceness would be for nothing."""
    program = world.begin(ECHO)
    assert program.pid
    assert os.getpgid(program.pid) == program.pid and os.getsid(program.pid) == os.getsid(0)


def test_it_ends_with_us_even_if_it_does_not_want_to(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(companion, "PATIENCE", 0.2)
    stubborn = (
        "import signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nprint(1, flush=True)\nwhile True: time.sleep(9)"
    )
    for code in (ECHO + "\nprint('ended', flush=True)", stubborn):
        program = world.begin(code)
        world.until(lambda code=code: world.lines if code is stubborn else program.pid)  # type: ignore[misc]  # noqa: B023
        pid = program.pid
        assert pid
        program.close()
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
        assert program.pid is None


def test_a_program_that_does_not_read_does_not_hold_us_up(world: World) -> None:
    program = world.begin("import time\nwhile True: time.sleep(9)")
    began = time.monotonic()
    assert not all(program.say(b"x" * 1000) for _ in range(1000))
    assert time.monotonic() - began < 5


def test_it_has_our_environment_and_more(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OURS", "stays")
    world.begin("import os; print(os.environ['OURS'], os.environ['MORE'], flush=True)", OURS="does not come", MORE="comes")
    world.until(lambda: world.lines)
    assert world.lines == [b"stays comes"]
