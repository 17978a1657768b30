"""Mail programs read, append to and delete from a mailbox while mail is delivered to it: nothing is lost, or there twice."""

import mailbox
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from ..kit.server import Server
from ..kit.support import wait_until
from .test_clients import dovecot_itself, give_away, mutt

MESSAGES = 300


@contextmanager
def delivering(server: Server, is_enough: Callable[[], bool] = lambda: True) -> Iterator[threading.Thread]:
    """A thread that delivers messages with numbers for subjects. It waits in the middle until that is
    enough which another one does."""

    def deliver() -> None:
        with server.connect() as client:
            client.say("helo me")
            for number in range(MESSAGES):
                if number == MESSAGES // 2:
                    wait_until(is_enough)
                assert client.mail(b"Subject: %d\r\n\r\ntext\r\n" % number)[:3] == b"250"

    thread = threading.Thread(target=deliver)
    thread.start()
    yield thread
    thread.join(30)
    assert not thread.is_alive()
    server.rest()


def check(found: list[str], deleted: list[str], appended: int) -> None:
    """Each that was delivered is there once, or was deleted; so is each that was appended."""
    assert found.count("appended") == appended
    numbers = sorted(int(subject) for subject in [*found, *deleted] if subject != "appended")
    assert numbers == list(range(MESSAGES))


def test_pythons_mailbox_changes_a_mailbox_file_while_it_grows(tmp_path: Path) -> None:
    deleted: list[str] = []
    appended = 0
    with Server(tmp_path, "--quiet") as server:
        path = server.mail_dir / "johndoe.txt"
        with delivering(server, lambda: len(deleted) > 5) as deliverer:
            wait_until(path.exists)
            while deliverer.is_alive():
                box = mailbox.mbox(path, create=False)
                try:
                    box.lock()
                except mailbox.ExternalClashError:  # a delivery is being made
                    box.close()
                    continue
                if len(box) > 1:
                    key = next(box.iterkeys())
                    deleted += [box[key]["Subject"]] if box[key]["Subject"] != "appended" else []
                    appended -= box[key]["Subject"] == "appended"
                    box.remove(key)
                box.add("Subject: appended\n\nx\n")
                appended += 1
                with suppress(
                    mailbox.ExternalClashError
                ):  # it has replaced the file, and we had the lock of the new one first
                    box.flush()
                box.unlock()
                box.close()
                time.sleep(0.01)  # who had the lock all the time would let nothing be delivered
        assert len(deleted) > 5
        wait_until(lambda: len(subjects(path)) == MESSAGES - len(deleted) + appended)  # it tries the lock again in a while
        assert server.stop() == 0
        check(subjects(path), deleted, appended)
        assert "another program changed it" not in server.log


def subjects(path: Path) -> list[str]:
    return [line.decode() for line in re.findall(rb"(?m)^Subject: (.*)$", path.read_bytes())]


def test_mutt_deletes_from_a_mailbox_file_while_it_grows(tmp_path: Path) -> None:
    with Server(tmp_path, "--quiet") as server:
        path = server.mail_dir / "johndoe.txt"
        deleted: list[str] = []
        with delivering(server) as deliverer:
            wait_until(lambda: path.exists() and bool(subjects(path)))
            while deliverer.is_alive() or not deleted:
                first = subjects(path)[:1]
                mutt(path, "<first-entry><delete-message><sync-mailbox><quit>")
                deleted += [subject for subject in first if subject not in subjects(path)]
        wait_until(lambda: str(MESSAGES - 1) in subjects(path))
        left = subjects(path)
        check(left, deleted, 0)
        assert server.stop() == 0 and subjects(path) == left


def test_dovecot_changes_a_maildir_over_imap_while_it_grows() -> None:
    deleted: list[str] = []
    appended = 0
    with TemporaryDirectory() as directory, Server(Path(directory), "--quiet", "--store", "maildir") as server:
        Path(directory).chmod(0o755)
        place = server.mail_dir / "johndoe"
        with delivering(server) as deliverer:
            wait_until((place / "cur").exists)
            with dovecot_itself(place) as imap:
                while deliverer.is_alive() or not deleted:
                    give_away(place)
                    imap.select()
                    part = imap.fetch("1", "(BODY[HEADER.FIELDS (SUBJECT)])")[1][0]
                    if isinstance(part, tuple) and (number := part[1].split()[1].decode()) != "appended":
                        imap.store("1", "+FLAGS", "\\Deleted")
                        imap.expunge()
                        deleted.append(number)
                    assert imap.append("INBOX", "", "", b"Subject: appended\r\n\r\nx\r\n")[0] == "OK"
                    appended += 1
        assert server.stop() == 0
        found = [path.read_bytes() for part in ("new", "cur") for path in (place / part).iterdir()]
        check([re.findall(rb"(?m)^Subject: (.*?)\r?$", text)[0].decode() for text in found], deleted, appended)
