"""Handshakes: they are made beside the loop, take little before they can be made, and no peer's records hold up others."""

import ssl
from collections.abc import Callable
from typing import Any

import pytest

from reactor.stream.certificate import Certificate
from reactor.stream.tls import MOST_OCTETS, RECORDS, Encryption
from reactor.stream.tls_records import HEADER, Hello, whole

from ...kit.echo import Echo
from ...kit.tls import Peer, Pem, trusting


class Beside:
    """Jobs that are done when a test says so."""

    def __init__(self, fails: bool = False) -> None:
        self.jobs: list[tuple[Callable[[], Any], Callable[[Any], None]]] = []
        self.fails = fails
        self.cancelled = 0

    def __call__(self, work: Callable[[], Any], done: Callable[[Any], None]) -> Callable[[], None]:
        if self.fails:
            raise RuntimeError("can't start new thread")
        self.jobs.append((work, done))

        def cancel() -> None:
            self.cancelled += 1

        return cancel

    def work(self) -> None:
        work, done = self.jobs.pop(0)
        done(work())


class Talk:
    """A peer and its encryption, in memory."""

    def __init__(self, pem: Pem, beside: Beside | None = None, version: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3) -> None:
        self.woken = 0
        self.echo = Echo(lambda: None, wants_tls=True)
        self.encryption = Encryption(self.echo, Certificate(*pem).context(), self._wake, beside)
        context = trusting(pem)
        context.maximum_version = version
        self.peer = Peer(context)

    def _wake(self) -> None:
        self.woken += 1

    def pass_on(self) -> None:
        while self.encryption.outgoing:
            self.peer.receive(self.encryption.outgoing)
            self.encryption.outgoing.clear()

    def secure(self) -> None:
        while not self.peer.is_secured:
            self.encryption.receive(self.peer.due())
            self.pass_on()
        self.encryption.receive(self.peer.due())


def test_the_key_is_used_beside_the_loop_and_nothing_is_said_before(pem: Pem) -> None:
    beside = Beside()
    talk = Talk(pem, beside)
    talk.encryption.receive(talk.peer.due())
    assert len(beside.jobs) == 1 and not talk.encryption.outgoing and talk.encryption.takes_input
    beside.work()
    assert talk.woken == 1 and not talk.encryption.is_behind
    talk.encryption.resume()
    assert talk.encryption.outgoing
    talk.pass_on()
    assert talk.peer.is_secured
    talk.encryption.receive(talk.peer.due() + talk.peer.say(b"hello\n"))
    while beside.jobs:
        assert not talk.echo.calls
        beside.work()
        talk.encryption.resume()
    assert talk.echo.calls == ["secured", "receive"]
    talk.pass_on()
    assert talk.peer.heard == b"hi\nhello\n"


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_what_comes_while_it_is_made_is_not_lost(pem: Pem, version: ssl.TLSVersion) -> None:
    """As with a client that does not wait, and octets that come one by one."""
    beside = Beside()
    talk = Talk(pem, beside, version)
    for _ in range(6):
        for octet in talk.peer.due():
            talk.encryption.receive(bytes([octet]))
        if beside.jobs:
            beside.work()
            talk.encryption.resume()
        talk.pass_on()
    for octet in talk.peer.say(b"hello\n"):
        talk.encryption.receive(bytes([octet]))
    talk.pass_on()
    assert talk.peer.heard == b"hi\nhello\n"


def test_what_comes_between_its_end_and_the_wake_up_waits(pem: Pem) -> None:
    beside = Beside()
    talk = Talk(pem, beside)
    talk.encryption.receive(talk.peer.due())
    beside.jobs.pop()[1]("no shared cipher")
    talk.encryption.receive(b"\x14\x03\x03\x00\x01\x01")
    assert not talk.encryption.is_finished
    talk.encryption.resume()
    assert talk.encryption.farewell == "TLS handshake failed: no shared cipher"


def test_a_key_is_used_beside_the_loop_though_the_peer_has_to_begin_again(pem: Pem) -> None:
    """It offers no group that the server wants first, or holds back the octet behind its hello."""
    beside = Beside()
    talk = Talk(pem, beside)
    client_hello = talk.peer.due()
    length = int.from_bytes(client_hello[3:5])
    longer = client_hello[:3] + (length + 1).to_bytes(2) + client_hello[HEADER:]
    talk.encryption.receive(longer)
    assert not beside.jobs and talk.encryption._tls is None
    talk.encryption.receive(b"\0")
    assert len(beside.jobs) == 1


def test_who_leaves_costs_no_handshake(pem: Pem) -> None:
    beside = Beside()
    talk = Talk(pem, beside)
    talk.encryption.receive(talk.peer.due())
    talk.encryption.end_of_input()
    assert beside.cancelled == 1 and talk.encryption.farewell == "TLS handshake failed: the peer left"
    talk = Talk(pem, beside)
    talk.encryption.receive(talk.peer.due())
    talk.encryption.hang_up()
    assert beside.cancelled == 2 and talk.echo.calls == ["hang_up"]


def test_a_fault_of_ours_beside_the_loop_is_a_failed_handshake(pem: Pem) -> None:
    beside = Beside()
    talk = Talk(pem, beside)
    talk.encryption.receive(talk.peer.due())
    beside.jobs.pop()[1](None)
    talk.encryption.resume()
    assert talk.encryption.is_finished and talk.encryption.farewell == "TLS handshake failed: internal error"


def test_where_there_can_be_no_thread_it_is_made_in_the_loop(pem: Pem) -> None:
    talk = Talk(pem, Beside(fails=True))
    talk.secure()
    talk.pass_on()
    assert talk.peer.heard == b"hi\n"


def test_before_a_whole_hello_there_is_no_tls_and_it_may_not_be_long(pem: Pem) -> None:
    talk = Talk(pem)
    talk.encryption.receive(talk.peer.due()[:-1])
    assert talk.encryption._tls is None and not talk.encryption.is_finished
    record = b"\x16\x03\x01\x10\x00" + b"\x01\x00\xff\xff" + bytes(4092)
    talk = Talk(pem)
    for _ in range(3):
        talk.encryption.receive(record)
        assert talk.encryption._tls is None and not talk.encryption.is_finished
    talk.encryption.receive(record)
    assert talk.encryption.is_finished
    assert talk.encryption.farewell == "TLS handshake failed: it takes too many octets"


def test_nor_may_the_second_half(pem: Pem) -> None:
    talk = Talk(pem)
    talk.encryption.receive(talk.peer.due())
    assert talk.encryption._tls
    sent = 0
    while not talk.encryption.is_finished:
        talk.encryption.receive(b"\x14\x03\x03\x00\x01\x01")
        sent += 6
        assert sent <= MOST_OCTETS + 6
    assert talk.encryption.farewell.startswith("TLS handshake failed: ")
    talk = Talk(pem)
    talk.encryption.receive(talk.peer.due())
    talk.encryption.receive(b"\x17\x03\x03\x40\x10" + bytes(MOST_OCTETS))
    assert talk.encryption.is_finished


def test_many_records_are_taken_a_few_at_a_time(pem: Pem) -> None:
    talk = Talk(pem)
    talk.secure()
    talk.echo.calls.clear()
    count = 10 * RECORDS + 1
    lines = [b"%d\n" % number for number in range(count)]
    talk.encryption.receive(b"".join(talk.peer.say(line) for line in lines))
    for turns in range(1, 11):
        assert talk.encryption.is_behind and not talk.encryption.takes_input
        assert talk.echo.calls.count("receive") == turns
        talk.encryption.resume()
    assert not talk.encryption.is_behind and talk.encryption.takes_input
    talk.pass_on()
    assert talk.peer.heard == b"hi\n" + b"".join(lines)


@pytest.mark.parametrize("says_so", [True, False])
def test_the_end_comes_behind_all_that_was_sent_before(pem: Pem, says_so: bool) -> None:
    talk = Talk(pem)
    talk.secure()
    talk.encryption.receive(b"".join(talk.peer.say(b"%d\n" % number) for number in range(3 * RECORDS)))
    if says_so:
        talk.encryption.receive(talk.peer.leave())
    talk.encryption.end_of_input()
    while talk.encryption.is_behind:
        assert "end_of_input" not in talk.echo.calls
        talk.encryption.resume()
    assert talk.echo.calls.count("end_of_input") == 1 and talk.echo.calls[-1] == "end_of_input"
    assert talk.encryption.is_agreed


def test_a_conversation_that_takes_nothing_is_given_nothing(pem: Pem) -> None:
    talk = Talk(pem)
    talk.secure()
    talk.encryption.receive(talk.peer.say(b"hold\n") + b"".join(talk.peer.say(b"x\n") for _ in range(2 * RECORDS)))
    calls = len(talk.echo.calls)
    assert not talk.encryption.is_behind and not talk.encryption.takes_input
    talk.encryption.resume()
    assert talk.echo.calls[calls:] == ["resume", "receive"] and talk.encryption.is_behind


# Records


def test_a_hello_is_whole_when_its_last_octet_is_there(pem: Pem) -> None:
    client_hello = Peer(trusting(pem)).due()
    message = client_hello[HEADER:]
    cut = b"".join(
        b"\x16\x03\x01" + len(part).to_bytes(2) + part
        for part in (message[at : at + 100] for at in range(0, len(message), 100))
    )
    for data in (client_hello, cut):
        one_by_one = Hello()
        assert [one_by_one.length(data[:length]) for length in range(len(data))] == [0] * len(data)
        assert one_by_one.length(data) == Hello().length(data) == Hello().length(data + b"more") == len(data)


@pytest.mark.parametrize(
    "data",
    [
        b"x",
        b"GET /",
        b"\x16\x02",
        b"\x16\x03\x01\xff\xff",
        b"\x16\x03\x01\x00\x00",  # found by fuzzing: what it was said to be depended on where it was cut
        b"\x16\x03\x01\x00\x05\x02",
        b"\x17\x03",
    ],
)
def test_what_is_no_hello_is_as_good_as_whole(data: bytes) -> None:
    assert Hello().length(data) == len(data)


def test_records_are_whole_or_not() -> None:
    record = b"\x17\x03\x03\x00\x02xy"
    assert [whole(record * 2 + record[:length], 9) for length in range(7)] == [14] * 7
    assert whole(record * 5, 3) == 21 and whole(b"", 3) == 0
    assert whole(record + b"x" * 9, 3) == 16 and whole(record + b"\x17\x03\x03\xff\xff", 3) == 12
