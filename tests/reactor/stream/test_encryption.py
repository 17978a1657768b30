"""An encryption without sockets: cut anywhere it says what plain text would, and whoever fails at it is told apart."""

import ssl

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reactor.stream.certificate import Certificate
from reactor.stream.tls import PIECE, Encryption

from ...kit.echo import Echo
from ...kit.tls import Peer, Pem, exchange, trusting

SIZES = st.lists(st.integers(1, 3000), min_size=1, max_size=8)


def ends(pem: Pem, client: ssl.SSLContext, server: ssl.SSLContext | None = None) -> tuple[Echo, Encryption, Peer]:
    """A conversation that wants TLS from the start, what encrypts it, and its peer."""
    echo = Echo(lambda: None, wants_tls=True)
    echo.room = 1 << 30
    return echo, Encryption(echo, server or Certificate(*pem).context()), Peer(client)


@settings(deadline=None, max_examples=60)
@given(SIZES, SIZES, st.lists(st.binary(min_size=1, max_size=40_000), max_size=4), st.sampled_from(["TLSv1_2", "TLSv1_3"]))
def test_any_cutting_says_the_same_as_plain_text(
    pem: Pem, hands: list[int], sizes: list[int], words: list[bytes], version: str
) -> None:
    context = trusting(pem)
    context.maximum_version = ssl.TLSVersion[version]
    echo, encryption, peer = ends(pem, context)
    exchange(peer, encryption, hands)
    assert peer.is_secured and peer.heard == b"hi\n"
    plain = Echo(lambda: None)
    plain.open()
    for word in words:
        peer.tls.write(word)
        exchange(peer, encryption, sizes)
        plain.receive(word)
    for octet in peer.leave():
        encryption.receive(bytes([octet]))
    exchange(peer, encryption, sizes)
    plain.end_of_input()
    assert peer.heard == plain.outgoing and peer.has_ended
    assert encryption.is_finished and encryption.is_agreed and not encryption.outgoing
    assert not encryption.outgoing, "the end is said once"
    assert echo.calls.count("end_of_input") == echo.calls.count("secured") == 1


def test_words_before_go_first_and_in_plain_and_those_after_wait(pem: Pem) -> None:
    echo = Echo(lambda: None)
    echo.outgoing += b"go ahead\n"
    encryption = Encryption(echo, Certificate(*pem).context())
    echo.outgoing += b"secret\n"
    assert encryption.outgoing == b"go ahead\n"
    encryption.outgoing.clear()
    assert not encryption.outgoing and encryption.takes_input
    peer = Peer(trusting(pem))
    exchange(peer, encryption)
    assert peer.heard == b"secret\n" and not echo.outgoing


def test_a_piece_at_a_time_is_encrypted(pem: Pem) -> None:
    echo, encryption, peer = ends(pem, trusting(pem))
    exchange(peer, encryption)
    echo.outgoing += b"x" * (3 * PIECE)
    assert PIECE < len(encryption.outgoing) < PIECE + 1000 and len(echo.outgoing) == 2 * PIECE
    peer.receive(encryption.outgoing[:-1])
    del encryption.outgoing[:-1]
    assert len(encryption.outgoing) == 1 and len(echo.outgoing) == 2 * PIECE, "something waits to be sent"
    exchange(peer, encryption)
    assert peer.heard == b"hi\n" + b"x" * (3 * PIECE)


def test_a_conversation_behind_or_held_goes_on_after_the_handshake(pem: Pem) -> None:
    echo, encryption, peer = ends(pem, trusting(pem))
    echo.is_held = echo.is_behind = True
    assert encryption.takes_input and not encryption.is_behind
    exchange(peer, encryption)
    assert not encryption.takes_input and encryption.is_behind


def test_what_waits_to_be_sent_holds_up_reading(pem: Pem) -> None:
    _, encryption, peer = ends(pem, trusting(pem))
    for _ in range(2):
        encryption._wire += b"x" * (2 * PIECE)
        assert not encryption.takes_input
        encryption.outgoing.clear()
        assert encryption.takes_input
        exchange(peer, encryption)


def test_a_conversation_that_ended_during_the_handshake_is_never_secured(pem: Pem) -> None:
    echo, encryption, peer = ends(pem, trusting(pem))
    encryption.receive(peer.due())
    peer.receive(encryption.outgoing)
    encryption.outgoing.clear()
    encryption.time_out()
    encryption.receive(peer.due())
    assert encryption.is_finished and not encryption.takes_input and not encryption.outgoing
    assert echo.calls == [] and encryption.farewell == "too slow"


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion")
def test_tls_older_than_1_2_is_refused(pem: Pem) -> None:
    context = trusting(pem)
    context.set_ciphers("DEFAULT@SECLEVEL=0")
    context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
    _, encryption, peer = ends(pem, context)
    with pytest.raises(ssl.SSLError):
        exchange(peer, encryption)
    assert encryption.farewell == "TLS handshake failed: the peer's TLS is older than 1.2"


def test_no_shared_cipher_is_a_reason(pem: Pem) -> None:
    context = trusting(pem)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers("ECDHE-RSA-AES128-GCM-SHA256")  # the certificate's key is no RSA key
    echo, encryption, peer = ends(pem, context)
    with pytest.raises(ssl.SSLError):
        exchange(peer, encryption)
    assert encryption.farewell == "TLS handshake failed: no shared cipher"
    assert encryption.is_finished and not encryption.takes_input and echo.calls == []


def test_a_client_that_does_not_trust_us_is_a_reason(pem: Pem) -> None:
    echo, encryption, peer = ends(pem, ssl.create_default_context())
    with pytest.raises(ssl.SSLCertVerificationError):
        exchange(peer, encryption)
    encryption.receive(peer.due())
    assert encryption.farewell == "TLS handshake failed: tlsv1 alert unknown ca"
    encryption.receive(b"more")
    encryption.end_of_input()
    assert echo.calls == []


def test_what_was_changed_on_its_way_ends_the_conversation(pem: Pem) -> None:
    echo, encryption, peer = ends(pem, trusting(pem))
    exchange(peer, encryption)
    data = bytearray(peer.say(b"hello\n") + peer.say(b"bye\n"))
    data[-1] ^= 1
    encryption.receive(bytes(data))
    assert encryption.farewell.startswith("TLS failed: ") and encryption.is_finished
    assert "receive" not in echo.calls
    with pytest.raises(ssl.SSLError, match=r"(?i)bad.record.mac"):
        peer.receive(encryption.outgoing)


def test_nothing_behind_a_close_notify_is_heard(pem: Pem) -> None:
    echo, encryption, peer = ends(pem, trusting(pem))
    exchange(peer, encryption)
    encryption.receive(peer.leave() + b"garbage")
    encryption.receive(b"garbage")
    encryption.end_of_input()
    assert echo.calls == ["secured", "end_of_input"] and encryption.farewell == ""
    exchange(peer, encryption)
    assert peer.heard == b"hi\nthe end\n" and peer.has_ended


def test_there_is_no_renegotiation_and_no_compression(pem: Pem) -> None:
    context = Certificate(*pem).context()
    assert context.options & ssl.OP_NO_RENEGOTIATION and context.options & ssl.OP_NO_COMPRESSION
    assert context.minimum_version == ssl.TLSVersion.TLSv1_2
