"""Programs that know only dot locks, or tell new mail by the times of a file, beside a server that delivers."""

import errno
import os
import shlex
import signal
import subprocess
import time
from collections.abc import Callable
from itertools import count
from pathlib import Path

import pytest

from storage.files import Files, IsLocked
from storage.mailboxes.dot_lock import DotLocks

from ...kit.disk import Watched
from ...kit.post import Post
from ...kit.server import Server
from ...kit.support import program, wait_until

LARGE = b"Subject: large\r\n\r\n" + (b"y" * 70 + b"\r\n") * ((28 << 20) // 72)


@pytest.fixture
def directory(tmp_path: Path) -> int:
    return os.open(tmp_path, os.O_RDONLY)


def test_a_lock_is_there_while_a_mailbox_is_written_to_and_gone_afterwards(tmp_path: Path) -> None:
    seen: list[bool] = []
    lock = tmp_path / "johndoe.txt.lock"

    def look(_: int, name: str) -> None:
        if name == "append":
            seen.append(lock.exists())

    post = Post(tmp_path, files=Watched(look))
    assert post.put(b"\nx\n") is None
    assert seen == [True] and not lock.exists()
    post.store.close()
    assert not list((tmp_path / ".journal").glob("lock-*"))


def test_what_another_program_has_locked_is_left_to_it(tmp_path: Path, directory: int) -> None:
    locks = DotLocks(Files(), directory)
    locks.take(b"a")
    locks.give_back(b"a")
    (tmp_path / "a.lock").write_text("4711\n")
    with pytest.raises(IsLocked):
        locks.take(b"a")
    locks.give_back(b"a")
    assert (tmp_path / "a.lock").exists(), "it is not ours to remove"


@pytest.mark.parametrize("make", [lambda path: path.mkdir(), lambda path: path.symlink_to("nothing")])
def test_whatever_stands_in_the_place_of_a_lock_is_one(tmp_path: Path, directory: int, make: Callable[[Path], None]) -> None:
    make(tmp_path / "a.lock")
    with pytest.raises(IsLocked):
        DotLocks(Files(), directory).take(b"a")


def test_a_lock_of_ours_whose_maker_is_gone_is_taken_over(tmp_path: Path, directory: int) -> None:
    """Whoever calls this has the fcntl lock, which goes with a process: so there can be no other maker."""
    DotLocks(Files(), directory).take(b"a")
    assert (tmp_path / "a.lock").read_text() == f"{os.getpid()}\ncarteiro\n"
    locks = DotLocks(Files(), directory)
    locks.take(b"a")
    locks.give_back(b"a")
    assert not (tmp_path / "a.lock").exists()


@pytest.mark.parametrize("age", [301, -301])
def test_a_lock_that_is_five_minutes_off_is_stale(tmp_path: Path, directory: int, age: int) -> None:
    (tmp_path / "a.lock").write_text("4711\n")
    os.utime(tmp_path / "a.lock", (time.time() - age,) * 2)
    locks = DotLocks(Files(), directory)
    locks.take(b"a")
    assert (tmp_path / "a.lock").read_text().endswith("carteiro\n")


def test_a_lock_that_is_held_for_long_stays_fresh(tmp_path: Path, directory: int, monkeypatch: pytest.MonkeyPatch) -> None:
    locks = DotLocks(Files(), directory)
    locks.take(b"a")
    os.utime(tmp_path / "a.lock", (0, 0))
    locks.refresh()
    assert (tmp_path / "a.lock").stat().st_mtime == 0, "not each time"
    monkeypatch.setattr("storage.mailboxes.dot_lock.FRESH", 0.0)
    locks.refresh()
    assert time.time() - (tmp_path / "a.lock").stat().st_mtime < 100


@pytest.mark.parametrize("code", [errno.EPERM, errno.EOPNOTSUPP, errno.EMLINK, errno.EXDEV])
def test_where_there_are_no_links_a_lock_is_a_file(tmp_path: Path, directory: int, code: int) -> None:
    def refuse(_: int, name: str) -> None:
        if name == "link":
            raise OSError(code, os.strerror(code))

    locks = DotLocks(Watched(refuse), directory)
    for _ in range(2):
        locks.take(b"a")
        assert (tmp_path / "a.lock").stat().st_nlink == 1
        locks.give_back(b"a")
        assert not (tmp_path / "a.lock").exists()


@pytest.mark.parametrize("has_links", [True, False])
@pytest.mark.parametrize("failing", ["write", "sync"])
def test_a_lock_that_could_not_be_made_leaves_nothing(tmp_path: Path, directory: int, failing: str, has_links: bool) -> None:
    """A disk that is full would get fuller with each attempt; and an empty lock looks like somebody else's."""
    broken = {failing} | ({"link"} if not has_links else set())

    def before(_: int, name: str) -> None:
        if name in broken:
            raise OSError(errno.EXDEV if name == "link" else errno.ENOSPC, "")

    locks = DotLocks(Watched(before), directory)
    for _ in range(3):
        with pytest.raises(OSError):
            locks.take(b"a")
    assert not list(tmp_path.glob("*.lock")) and not list((tmp_path / ".journal").glob("lock-*"))
    broken.discard(failing)
    locks.take(b"a")


def test_what_locks_are_made_of_may_be_removed_meanwhile(tmp_path: Path, directory: int) -> None:
    locks = DotLocks(Files(), directory)
    locks.take(b"a")
    (made_of,) = (tmp_path / ".journal").glob("lock-*")
    made_of.unlink()
    locks.take(b"b")
    locks.give_back(b"a")
    locks.give_back(b"b")
    assert not list(tmp_path.glob("*.lock"))


# With a server


def test_who_knows_only_dot_locks_never_finds_half_a_message(tmp_path: Path) -> None:
    """Of 28 MB, which take a while: each time that the lock can be had the mailbox has all of it, or nothing."""
    with Server(tmp_path, "--max-message-size", "40M") as server:
        path, lock = server.mail_dir / "johndoe.txt", server.mail_dir / "johndoe.txt.lock"
        sizes: set[int] = set()
        is_locked = 0
        with server.connect() as client:
            client.say("helo me")
            assert client.mail(LARGE)[:3] == b"250"
            end = time.monotonic() + 30
            while max(sizes, default=0) < len(LARGE) // 2 and time.monotonic() < end:
                try:
                    os.close(os.open(lock, os.O_CREAT | os.O_EXCL))
                except FileExistsError:
                    is_locked += 1
                    continue
                sizes.add(path.stat().st_size if path.exists() else 0)
                lock.unlink()
                time.sleep(0.005)
        assert is_locked, "it was written to meanwhile"
        assert len(sizes - {0}) == 1 and len(server.mailbox("johndoe")) == 1


def test_a_kill_leaves_no_lock_that_stops_mail(tmp_path: Path) -> None:
    for killed in count(1):
        assert killed < 20, "it is killed while it has the lock"
        with Server(tmp_path, "--max-message-size", "40M") as server:
            lock = server.mail_dir / "johndoe.txt.lock"
            with server.connect() as client:
                client.say("helo me")
                assert client.mail(LARGE)[:3] == b"250"
                wait_until(lock.exists)
                server.stop(signal.SIGKILL)
        if lock.exists():
            break
    with Server(tmp_path, "--max-message-size", "40M") as server:
        assert not lock.exists() and len(server.mailbox("johndoe")) == killed
        with server.connect() as client:
            client.say("helo me")
            assert client.mail(b"x\r\n")[:3] == b"250"
        assert len(server.mailbox("johndoe")) == killed + 1


def test_a_worker_that_is_killed_leaves_no_lock_that_stops_mail(tmp_path: Path) -> None:
    with Server(tmp_path, "--max-message-size", "40M", "--workers", "2") as server:
        lock = server.mail_dir / "johndoe.txt.lock"
        for _ in range(20):
            with server.connect() as client:
                client.say("helo me")
                assert client.mail(LARGE)[:3] == b"250"
                wait_until(lock.exists)
                pid = int(lock.read_text().split()[0]) if lock.exists() else 0
                if pid:
                    os.kill(pid, signal.SIGSTOP)
                    was_held = lock.exists()
                    os.kill(pid, signal.SIGKILL)
                    if was_held:
                        break
        assert was_held
        wait_until(lambda: not lock.exists(), 20)
        with server.connect() as client:
            client.say("helo me")
            assert client.mail(b"Subject: after\r\n\r\nx\r\n")[:3] == b"250"
        path = server.mail_dir / "johndoe.txt"
        wait_until(lambda: b"Subject: after" in path.read_bytes(), 20)


# New mail


def test_a_mailbox_with_new_mail_was_read_before_it_was_written_to(tmp_path: Path) -> None:
    """Mail programs tell new mail by that, some by whole seconds."""
    with Server(tmp_path) as server, server.connect() as client:
        client.say("helo me")
        path = server.mail_dir / "johndoe.txt"
        for number in range(4):
            assert client.mail(b"x\r\n")[:3] == b"250"
            server.rest()
            status = path.stat()
            assert int(status.st_atime) < int(status.st_mtime), number
            if number == 2:
                os.utime(path, (time.time(), status.st_mtime))  # it is read


def test_mutt_says_that_there_is_new_mail(tmp_path: Path) -> None:
    with Server(tmp_path) as server, server.connect() as client:
        client.say("helo me")
        path = server.mail_dir / "johndoe.txt"
        for _ in range(3):
            assert client.mail(b"x\r\n")[:3] == b"250"
            server.rest()
            assert has_new_mail(path, tmp_path)
        os.utime(path, (time.time() + 2, path.stat().st_mtime))
        assert not has_new_mail(path, tmp_path), "it was read since"


def has_new_mail(path: Path, home: Path) -> bool:
    """What `mutt -Z` says: it opens a mailbox with new mail, and leaves at once if there is none."""
    (home / "Mail").mkdir(exist_ok=True)
    command = [program("mutt"), "-n", "-F", "/dev/null", "-e", f"mailboxes {path}", "-e", 'push "<exit>"', "-Z"]
    on_terminal = [program("script"), "-qec", shlex.join(command), "/dev/null"]
    environment = {**os.environ, "TERM": "xterm", "HOME": str(home)}
    nothing = subprocess.DEVNULL
    return (
        subprocess.run(on_terminal, timeout=20, check=False, env=environment, stdin=nothing, stdout=nothing).returncode == 0
    )
