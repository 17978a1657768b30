"""What follows from counts of moves, of sessions that were really held."""

from protocol.esmtp.table import TABLE
from service.counting import Counts
from service.web.moves import Moves

from ...kit.esmtp import Checker, EsmtpClient, proof


def moves_of(counts: Counts) -> Moves:
    return Moves({row.labels: row.value for row in counts.rows(TABLE.closed) if row.name == "moves"})


def test_refusals_ends_and_messages() -> None:
    counts = Counts()
    client = EsmtpClient(follow=counts.follow, max_message_size=10)
    client.send(b"NONSENSE\r\nMAIL FROM:<a@b>\r\nEHLO me\r\nMAIL FROM:<a@b>\r\nRCPT TO:<nobody>\r\nRCPT TO:<johndoe>\r\n")
    client.send(b"DATA\r\n")
    client.send(b"more than ten octets\r\n.\r\n")
    client.send(b"BDAT 5\r\n12345")
    client.session.time_out()
    moves = moves_of(counts)
    assert moves.refusals == {("500",): 1, ("503",): 2, ("550",): 1, ("552",): 1}
    assert moves.refused == {(): 1}, "a refused chunk is no message"
    assert {how: number for (how,), number in moves.ends.items() if number} == {"SILENT": 1} and len(moves.ends) == 10
    assert moves_of(Counts()).refused == {(): 0}


def test_tls_and_passwords() -> None:
    counts = Counts()
    for _ in range(2):
        client = EsmtpClient(follow=counts.follow, has_tls=True, authenticate=Checker())
        client.send(b"EHLO me\r\nSTARTTLS\r\n")
        client.session.secured()
        client.send(f"EHLO me\r\nAUTH PLAIN {proof(secret=b'wrong')}\r\n".encode())
        client.send(f"AUTH PLAIN !\r\nAUTH PLAIN {proof()}\r\nQUIT\r\n".encode())
    EsmtpClient(follow=counts.follow, has_tls=True).send(b"EHLO me\r\nSTARTTLS\r\n")
    lost = EsmtpClient(follow=counts.follow, has_tls=True)
    lost.send(b"EHLO me\r\nSTARTTLS\r\n")
    lost.session.hang_up()
    moves = moves_of(counts)
    assert moves.handshakes == {("success",): 2, ("failure",): 1}
    assert moves.authentications == {("success",): 2, ("failure",): 2, ("unchecked",): 0}
