"""The server with a real PostgreSQL behind it, on this machine."""

import json
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from mailbox import Maildir
from pathlib import Path
from urllib.request import Request, urlopen

import pytest

from ..kit.page import Page, url_of
from ..kit.postgres import Postgres, eventually, postgres
from ..kit.server import Server
from ..kit.support import ROOT, USERS

pytest.importorskip("psycopg", reason="psycopg is not installed: pip install 'psycopg[binary]'")

FLAGS = ("--store", "postgres", "--dialect", "esmtp")


@pytest.fixture(scope="module")
def database() -> Iterator[Postgres]:
    """A server with the tables in it."""
    with tempfile.TemporaryDirectory() as directory, postgres(Path(directory)) as server:
        assert "made from version 0" in run("--database", server.database, "--database-init").stdout
        yield server


def run(*words: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, str(ROOT / "bin" / "smtpd"), *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def serve(directory: Path, database: Postgres, *flags: str, named: bool = True, user: str = "postgres") -> Server:
    where = ("--database", database.database.replace("user=postgres", f"user={user}"), "--database-single")
    return Server(directory, *FLAGS, *where, *flags, users=USERS if named else None)


def deliveries(database: Postgres, token: str) -> list[str]:
    """The mailboxes that have the message with this reverse-path."""
    return database.ask(
        "SELECT name FROM delivery JOIN message ON message = message.id JOIN mailbox ON mailbox = mailbox.id "
        f"WHERE convert_from(reverse_path, 'UTF8') = '{token}' ORDER BY name"
    )


@pytest.mark.parametrize("workers", ["1", "2"])
def test_what_is_accepted_is_there_once_for_each_recipient(tmp_path: Path, database: Postgres, workers: str) -> None:
    sender = f"{workers}@b"
    with serve(tmp_path, database, "--workers", workers) as server:
        with server.connect() as client:
            assert client.say("EHLO me")[:3] == b"250"
            envelope = (f"MAIL FROM:<{sender}>", *(f"RCPT TO:<{name}@b>" for name in ("johndoe", "babydoe", "JOHNDOE")))
            assert client.say(*envelope, "DATA")[:3] == b"354"
            client.send(b"Subject: x\r\n\r\n..\x00\xff\r\n.\r\n")
            assert client.hear()[:3] == b"250"
        assert server.stop() == 0
    assert deliveries(database, sender) == ["babydoe", "johndoe"]
    (raw,) = database.ask(f"SELECT encode(raw, 'hex') FROM message WHERE convert_from(reverse_path, 'UTF8') = '{sender}'")
    assert bytes.fromhex(raw).endswith(b"\r\nSubject: x\r\n\r\n.\x00\xff\r\n") and bytes.fromhex(raw).startswith(
        b"Received: "
    )


def test_a_killed_database_makes_clients_wait_and_not_fail(tmp_path: Path, database: Postgres) -> None:
    with serve(tmp_path, database) as server, server.connect() as client:
        client.say("EHLO me")
        assert client.mail(b"one\r\n", "<before@b>", "<johndoe@b>")[:3] == b"250"
        database.stop()
        client.say("MAIL FROM:<after@b>", "RCPT TO:<johndoe@b>", "DATA")
        client.send(b"two\r\n.\r\n")
        eventually(lambda: "is not used: connection to server" in server.log)
        database.start()
        assert client.hear()[:3] == b"250"
    assert deliveries(database, "before@b") == deliveries(database, "after@b") == ["johndoe"]


def test_connections_that_are_terminated_under_load_lose_and_double_nothing(tmp_path: Path, database: Postgres) -> None:
    with serve(tmp_path, database) as server, server.connect() as client:
        client.say("EHLO me")
        for number in range(100):
            if number % 10 == 5:
                database.ask("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'carteiro'")
            assert client.mail(b"text\r\n", f"<load-{number}@b>", "<johndoe@b>")[:3] == b"250"
        server.stop(signal.SIGTERM)
    assert [deliveries(database, f"load-{number}@b") for number in range(100)] == [["johndoe"]] * 100


def test_a_cluster_without_standbys_is_refused_unless_that_is_meant(tmp_path: Path, database: Postgres) -> None:
    users = tmp_path / "users.txt"
    users.write_text("johndoe\n")
    ended = run(*FLAGS, "--database", database.database, str(users))
    assert ended.returncode == 1 and "--database-single" in ended.stderr and ended.stderr.count("\n") == 1


def test_mail_is_exported_and_then_what_has_come_since(tmp_path: Path, database: Postgres) -> None:
    """Also after the connection to the database was lost in the middle, which is said in one line."""
    from ..kit.postgres_mail import Base

    mail, place = Base(database.database), tmp_path / "exported"
    flags = ("--database", mail.where, "--store", "maildir", "--database-export", str(place))

    def subjects(name: str) -> list[str]:
        return sorted(message["Subject"] for message in Maildir(str(place / name)))

    for number in range(3):
        mail.put("eva", "ida", content=b"Subject: %d\r\n\r\ntext\r\n" % number)
    with mail.cutting():
        ended = run(*flags)
    assert (ended.returncode, ended.stderr.count("\n")) == (1, 1) and "database 127.0.0.1" in ended.stderr
    assert run(*flags).returncode == 0 and subjects("eva") == subjects("ida") == ["0", "1", "2"]
    mail.put("eva", content=b"Subject: 3\r\n\r\ntext\r\n")
    ended = run(*flags)
    assert "1 message exported to 1 mailbox in" in ended.stdout and subjects("eva") == ["0", "1", "2", "3"]
    mail.close()


def test_the_page_shows_and_deletes_what_is_in_the_database(tmp_path: Path, database: Postgres) -> None:
    pytest.importorskip("h11", reason="h11 is not installed: pip install '.[web]'")
    with serve(tmp_path, database, "--web", "127.0.0.1:0") as server, server.connect() as client:
        page = Page(0, url_of(server.process), tmp_path / "mailboxes", server.process)
        client.say("EHLO me")
        large = b"Subject: large\r\n\r\n" + b"a line of text\r\n" * 20_000
        for text in (b"Subject: small\r\n\r\ntext\r\n", large):
            assert client.mail(text, "<page@b>", "<babydoe@b>")[:3] == b"250"

        def shown() -> dict[str, str]:
            rows = page.get("mailbox/babydoe/api/v1/messages")["messages"]
            return {row["Subject"]: row["ID"] for row in rows if row["Subject"] != "x"}

        page.until(lambda: len(shown()) == 2)
        ids = shown()
        assert page.get(f"api/v1/message/{ids['small']}")["Text"] == "text\n"
        with urlopen(f"{page.url}api/v1/message/{ids['large']}/raw", timeout=30) as answer:
            assert answer.read().endswith(large.replace(b"\r\n", b"\n"))
        body = json.dumps({"IDs": [ids["large"]]}).encode()
        with urlopen(Request(f"{page.url}api/v1/messages", body, method="DELETE"), timeout=30) as answer:
            assert answer.status in (200, 204)
        eventually(lambda: len(deliveries(database, "page@b")) == 1)
        assert list(shown()) == ["small"] and database.ask(
            "SELECT count(*) FROM piece WHERE message NOT IN (SELECT id FROM message)"
        ) == ["0"]


def test_the_tables_are_made_once_and_newer_ones_are_refused(tmp_path: Path, database: Postgres) -> None:
    assert "there already" in run("--database", database.database, "--database-init").stdout
    database.ask("INSERT INTO carteiro_schema (version) VALUES (1000)")
    try:
        ended = run("--database", database.database, "--database-init")
        assert ended.returncode == 1 and "newer" in ended.stderr and ended.stderr.count("\n") == 1
    finally:
        database.ask("DELETE FROM carteiro_schema WHERE version = 1000")


def test_without_its_library_one_line_says_so(tmp_path: Path) -> None:
    (tmp_path / "psycopg.py").write_text("raise ImportError('no')\n")
    command = [sys.executable, str(ROOT / "bin" / "smtpd"), "--database", "host=x", "--database-init"]
    env = {"PYTHONPATH": str(tmp_path), "PATH": "/usr/bin:/bin"}
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, env=env)
    assert ended.returncode == 1 and "pip install" in ended.stderr and ended.stderr.count("\n") == 1


def test_without_standbys_connections_do_not_pile_up(tmp_path: Path, database: Postgres) -> None:
    """A process of the database that waits for a standby does not notice that nobody waits for it."""
    waits = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep'"
    with serve(tmp_path, database) as server, server.connect() as client:
        assert client.say("EHLO me")[:3] == b"250" and database.ask(waits) == ["0"]
        client.mail(b"one\r\n", "<there@b>", "<johndoe@b>")
        database.ask("ALTER SYSTEM SET synchronous_standby_names = 'nobody'")
        database.ask("SELECT pg_reload_conf()")
        client.say("MAIL FROM:<nowhere@b>", "RCPT TO:<johndoe@b>", "DATA")
        client.send(b"two\r\n.\r\n")
        eventually(lambda: database.ask(waits) == ["1"])
        eventually(lambda: "did not answer in time" in server.log, 30)
        eventually(lambda: database.ask(waits) == ["1"])
        database.ask("ALTER SYSTEM RESET synchronous_standby_names")
        database.ask("SELECT pg_reload_conf()")
        assert client.hear()[:3] == b"250"
    assert deliveries(database, "nowhere@b") == ["johndoe"]


def test_a_large_message_is_there_in_pieces(tmp_path: Path, database: Postgres) -> None:
    text = b"".join(b"%07d %s\r\n" % (number, b"x" * 60) for number in range(30_000))
    with serve(tmp_path, database) as server, server.connect() as client:
        assert client.say("EHLO me")[:3] == b"250"
        assert client.mail(text, "<large@b>", "<johndoe@b>")[:3] == b"250"
    assert deliveries(database, "large@b") == ["johndoe"]
    whole = (
        "SELECT size, sum(length(data)), encode(sha256(string_agg(data, '' ORDER BY n)), 'hex'), raw IS NULL "
        "FROM message JOIN piece ON message = id WHERE convert_from(reverse_path, 'UTF8') = 'large@b' GROUP BY id, size, raw"
    )
    (line,) = database.ask(whole)
    size, octets, digest, is_null = line.split("|")
    ((first),) = database.ask("SELECT convert_from(data, 'UTF8') FROM piece ORDER BY n LIMIT 1")[:1]
    assert (
        size == octets and int(size) > len(text) and is_null == "t" and first.startswith("Received:") and len(digest) == 64
    )


def test_settings_of_the_role_do_not_weaken_what_is_promised(tmp_path: Path, database: Postgres) -> None:
    """Statements that would be cancelled, warnings that would not be heard, commits that would not be waited for."""
    database.ask("CREATE ROLE mail LOGIN SUPERUSER")
    for setting in ("statement_timeout = 100", "client_min_messages = error", "synchronous_commit = off"):
        database.ask(f"ALTER ROLE mail SET {setting}")
    with serve(tmp_path, database, user="mail") as server, server.connect() as client:
        client.say("EHLO me")
        database.ask(SLOW)
        assert client.mail(b"text\r\n", "<settings@b>", "<johndoe@b>")[:3] == b"250"
        database.ask("DROP TRIGGER slow ON delivery; DROP FUNCTION slow")
    assert deliveries(database, "settings@b") == ["johndoe"]


SLOW = """CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    ASSERT current_setting('client_min_messages') = 'warning' AND current_setting('synchronous_commit') = 'on';
    PERFORM pg_sleep(0.3); RETURN NULL;
END $$;
CREATE TRIGGER slow AFTER INSERT ON delivery FOR EACH STATEMENT EXECUTE FUNCTION slow();
"""


def test_the_table_of_addresses_says_who_has_a_mailbox(tmp_path: Path, database: Postgres) -> None:
    """Names, aliases and the rest; a change is known at once, and after a lost connection, too."""
    database.ask("INSERT INTO mailbox (name) VALUES ('ana'), ('others')")
    database.ask(
        "INSERT INTO address (name, mailbox) SELECT n, id FROM mailbox, unnest('{ana,a.silva}'::text[]) n WHERE name = 'ana'"
    )
    with serve(tmp_path, database, named=False) as server, server.connect() as client:

        def answer(name: str) -> bytes:
            return client.say("RSET", "MAIL FROM:<names@b>", f"RCPT TO:<{name}@b>")[:3]

        assert client.say("EHLO me")[:3] == b"250"
        eventually(lambda: answer("Ana") == b"250")
        client.say("RSET")
        assert client.mail(b"text\r\n", "<names@b>", "<A.Silva@b>")[:3] == b"250"
        assert answer("bob") == b"550"
        for _ in range(2):  # a name that was taken away may come again
            database.ask("INSERT INTO address (name, mailbox) SELECT 'bob', id FROM mailbox WHERE name = 'ana'")
            eventually(lambda: answer("bob") == b"250")
            database.ask("DELETE FROM address WHERE name = 'bob'")
            eventually(lambda: answer("bob") == b"550")
        for wrong in ("UPDATE address SET name = 'bob' WHERE name = 'ana'", "INSERT INTO address VALUES ('Eva', 1)"):
            with pytest.raises(AssertionError, match="a name"):
                database.ask(wrong)
        database.ask("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'carteiro'")
        database.ask("INSERT INTO address (name, mailbox) SELECT '*', id FROM mailbox WHERE name = 'others'")
        eventually(lambda: answer("whoever") == b"250")
    assert deliveries(database, "names@b") == ["ana"]


def test_figures_and_readiness_tell_how_the_database_is(tmp_path: Path, database: Postgres) -> None:
    pytest.importorskip("prometheus_client", reason="prometheus-client is not installed: pip install '.[metrics]'")
    with serve(tmp_path, database, "--metrics", "127.0.0.1:0") as server, server.connect() as client:
        assert server.process.stdout
        (address,) = re.findall(r"http://[\d.:]+", server.process.stdout.readline())
        client.say("EHLO me")
        assert client.mail(b"text\r\n", "<figures@b>", "<johndoe@b>")[:3] == b"250"

        def told(path: str) -> str:
            with suppress(OSError), urlopen(f"{address}{path}", timeout=10) as response:
                return str(response.read().decode())
            return ""

        eventually(lambda: 'carteiro_database_messages_total{outcome="clean"} 1.0' in told("/metrics"))
        assert 'carteiro_database_links{state="READY"} 3.0' in told("/metrics") and told("/readyz")
        assert f'carteiro_database_hosts{{host="127.0.0.1:{database.port}"}} 3.0' in told("/metrics")
        for name, value in (("standbys", 0), ("commits_waiting", 0), ("slot_bytes", 0), ("standby_lag_bytes", 0)):
            assert f'carteiro_database_{name}{{worker="1"}} {value:.1f}' in told("/metrics"), name
