"""Hosts of a cluster: how each is reached, and which may be written to."""

import pytest

pytest.importorskip("psycopg", reason="psycopg is not installed: pip install 'psycopg[binary]'")

from storage.errors import StorageError
from storage.stores.postgres import hosts
from storage.stores.postgres.hosts import NOT_ALL_ASKED, Hosts


def test_each_host_has_a_connection_string_of_its_own() -> None:
    a, b = hosts.parse(
        "host=10.0.0.1,db.example port=5433 dbname=mail user='it''s' target_session_attrs=any".replace("''", "\\'")
    )
    assert (a.name, b.name, a.needs_look_up, b.needs_look_up) == ("10.0.0.1:5433", "db.example:5433", False, True)
    assert b"host='10.0.0.1'" in a.conninfo() and b"target" not in a.conninfo() and rb"user='it\'s'" in a.conninfo()
    words = b.conninfo([b"::1", b"127.0.0.1"])
    assert b"hostaddr='::1,127.0.0.1'" in words and b"host='db.example,db.example'" in words and b"port='5433,5433'" in words


def test_a_uri_a_directory_and_nothing_are_hosts_too() -> None:
    assert [host.name for host in hosts.parse("postgresql://a:1,b:2/mail")] == ["a:1", "b:2"]
    (place,) = hosts.parse("host=/run/postgresql dbname=mail")
    assert not place.needs_look_up and place.look_up() == []
    (default,) = hosts.parse("dbname=mail")
    assert b"host=" not in default.conninfo()


@pytest.mark.parametrize("database", ["host=a port=1,2", "hosts=a", "host=a,b,c port=1,2", "postgresql://[/"])
def test_what_is_wrong_with_a_string_is_said_in_a_line(database: str) -> None:
    with pytest.raises(StorageError) as fault:
        hosts.parse(database)
    assert "--database" in str(fault.value) and "\n" not in str(fault.value)


def three() -> Hosts:
    return Hosts(hosts.parse("host=10.0.0.1,10.0.0.2,10.0.0.3"))


def test_who_has_no_connection_asks_all_hosts_first() -> None:
    known = three()
    known.hear(0, 1)
    assert known.objection(1) == NOT_ALL_ASKED
    known.hear(1)
    known.hear(2, 2)
    assert "old primary" in known.objection(1) and known.objection(2) == ""
    assert known.order(1) == [2, 1, 0], "the primary that is known comes first"


def test_who_has_one_that_stands_need_not_ask_again_until_it_falls() -> None:
    known = three()
    for number in range(3):
        known.hear(number, 1 if number == 0 else 0)
    known.stand()
    known.stand()
    known.fall()
    assert known.objection(1) == ""
    known.fall()
    assert known.objection(1) == NOT_ALL_ASKED and known.order(2) == [2, 0, 1]


def test_a_higher_timeline_is_a_failover() -> None:
    known = three()
    known.hear(0, 3)
    known.hear(1, 2)
    assert (known.timeline, known.failovers) == (3, 0)
    known.hear(1, 4)
    assert (known.timeline, known.failovers) == (4, 1)
