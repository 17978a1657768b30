"""What the server makes in its mail directory: for whom it is, what there has to be room for, and what is removed again."""

import errno
import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from storage.errors import StorageError

from ...kit.disk import Watched
from ...kit.fleet import begun, mail, of_worker, workers
from ...kit.post import Post
from ...kit.server import Server
from ...kit.support import ROOT, wait_until


@pytest.mark.parametrize("umask", ["000", "022", "0777", "0277"])
@pytest.mark.parametrize("store", ["mbox", "maildir"])
def test_all_is_for_its_owner_whatever_the_umask(tmp_path: Path, umask: str, store: str) -> None:
    before = os.umask(int(umask, 8))
    try:
        with Server(tmp_path, "--store", store) as server:
            os.umask(before)
            with server.connect() as client:
                client.say("helo me")
                assert client.mail(b"x\r\n")[:3] == b"250"
            server.rest()
            made = [server.mail_dir, *server.mail_dir.rglob("*")]
            modes = {stat.S_IMODE(path.stat().st_mode) for path in made if path.is_dir()}
            assert modes == {0o700}
            assert {stat.S_IMODE(path.stat().st_mode) for path in made if path.is_file()} == {0o600}
    finally:
        os.umask(before)


# Workers that there are no more


@pytest.mark.parametrize("flags", [(), ("--workers", "2")])
def test_the_journals_of_workers_that_are_no_more_are_emptied_and_removed(tmp_path: Path, flags: tuple[str, ...]) -> None:
    with Server(tmp_path, "--workers", "4") as server:
        begun(server, 4)
        for number, pid in enumerate(workers(server)):
            with of_worker(server, pid) as client:
                mail(client, number)
        pids = workers(server)
        server.stop(signal.SIGKILL)
    journal = server.mail_dir / ".journal"
    wait_until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in pids))
    assert {path.name for path in journal.glob("worker-*")} == {f"worker-{number}" for number in range(1, 5)}
    with Server(tmp_path, *flags) as server:
        left = {"worker-1", "worker-2"} if flags else set()
        wait_until(lambda: {path.name for path in journal.glob("worker-*")} == left)
        write_marks = {f"writing-{name}" for name in left} | ({"writing-0"} if flags else set())
        assert {path.name for path in journal.glob("writing-*")} - {"writing-0"} == write_marks - {"writing-0"}
        assert "emptied and removed" in server.log
        assert len(server.mailbox("johndoe")) == 4


def test_what_a_dead_worker_kept_aside_is_not_removed(tmp_path: Path) -> None:
    with Server(tmp_path, "--workers", "2") as server:
        begun(server, 2)
        assert server.stop() == 0
    aside = server.mail_dir / ".journal" / "worker-2" / "damaged-1-512"
    aside.write_text("octets")
    with Server(tmp_path) as server:
        wait_until(lambda: "worker-2: emptied, and not removed: Directory not empty" in server.log)
        assert aside.read_text() == "octets"


def test_many_workers_are_warned_of(tmp_path: Path) -> None:
    many = 4 * (os.cpu_count() or 1) + 1
    with Server(tmp_path, "--workers", str(many), "--store", "discard") as server:
        assert f"WARNING --workers {many} on {os.cpu_count()} cores" in server.log
    server.log_file.unlink()
    with Server(tmp_path, "--workers", str(many - 1), "--store", "discard") as server:
        assert "WARNING" not in server.log


# Room


def full_after(segments: int) -> Watched:
    """A disk that has room for so many segments."""
    allocated = 0

    def before(_: int, name: str) -> None:
        nonlocal allocated
        allocated += name == "allocate"
        if name == "allocate" and allocated > segments:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    return Watched(before)


def test_a_disk_without_room_for_a_journal_is_told_how_much_it_needs(tmp_path: Path) -> None:
    with pytest.raises(
        StorageError, match=r"No space left on device: the journal needs 8 MiB, and 16 are better: make room"
    ):
        Post(tmp_path, files=full_after(0))
    assert not list((tmp_path / ".journal").glob("segment-*"))


def test_a_disk_with_room_for_half_a_journal_is_used(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    post = Post(tmp_path, files=full_after(1))
    assert "No space left on device: the journal has 8 MiB for now, 16 are better: make room" in caplog.text
    assert [post.put(b"x\r\n") for _ in range(5)] == [None] * 5
    post.store.close()


def test_the_server_says_it_in_one_line(tmp_path: Path) -> None:
    """A limit on the size of files stands for a disk that is full."""
    (tmp_path / "users.txt").write_text("johndoe\n")
    smtpd = f"{sys.executable} {ROOT}/bin/smtpd --listen 127.0.0.1:0 --mail-dir {tmp_path}/mail {tmp_path}/users.txt"
    command = f"ulimit -f 4096; exec {smtpd}"
    ended = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=20, check=False)
    assert ended.returncode == 1 and ended.stdout == ""
    assert ended.stderr.count("\n") == 1 and "the journal needs 8 MiB" in ended.stderr
