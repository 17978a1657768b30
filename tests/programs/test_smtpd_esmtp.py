"""The real server in the dialect of RFC 5321: recipients, chunks, binary messages, and what its flags do."""

import re
from pathlib import Path

import pytest

from ..kit.esmtp_server import FROM, TO, TO_DATA, esmtp, run
from ..kit.server import Server, Telnet
from ..kit.support import Kept, descriptors, wait_until


def test_several_recipients_and_one_copy_a_mailbox(tmp_path: Path) -> None:
    with esmtp(tmp_path) as server, server.connect() as client:
        client.say("EHLO me", f"MAIL FROM:{FROM}")
        for to in ("johndoe@x", "JohnDoe@y", "babydoe@x", '"johndoe"@x', "postmaster@x", "babydoe@y"):
            assert client.say(f"RCPT TO:<{to}>")[:3] == b"250"
        assert client.say("DATA")[:3] == b"354"
        client.send(b"hello\r\n.\r\n")
        assert client.hear()[:3] == b"250"
        assert [kept.forward_path for kept in server.mailbox("johndoe")] == [
            b'johndoe@x, JohnDoe@y, "johndoe"@x, postmaster@x'
        ]
        assert [kept.forward_path for kept in server.mailbox("babydoe")] == [b"babydoe@x, babydoe@y"]
        assert "stored: mailbox johndoe, babydoe, 7 octets" in server.log
        assert "for <" not in (server.mail_dir / "johndoe.txt").read_text(), "who else got it is nobody's business"


def test_a_name_that_is_not_ascii_has_a_mailbox_for_those_who_ask_for_smtputf8(tmp_path: Path) -> None:
    with Server(tmp_path, "--dialect", "esmtp", users=["josé"]) as server, server.connect() as client:
        assert client.say("EHLO me", "MAIL FROM:<zoë@olá.example> SMTPUTF8", "RCPT TO:<José@olá.example>")[:3] == b"250"
        assert client.say("DATA")[:3] == b"354"
        client.send("Subject: olá\r\n.\r\n".encode())
        assert client.hear()[:3] == b"250"
        assert server.mailbox("josé") == [
            Kept("zoë@olá.example".encode(), "José@olá.example".encode(), "Subject: olá\n".encode())
        ]
        assert "with UTF8SMTP id" in (server.mail_dir / "josé.txt").read_text()


def test_without_a_flag_the_first_user_is_the_postmaster(tmp_path: Path) -> None:
    with esmtp(tmp_path) as server, server.connect() as client:
        client.say("EHLO me")
        assert client.mail(b"x\r\n", FROM, "<PostMaster>")[:3] == b"250"
        assert [kept.forward_path for kept in server.mailbox("johndoe")] == [b"PostMaster"]


@pytest.mark.parametrize("domain", ["bücher.example", "xn--bcher-kva.example", "BÜCHER.Example.", "XN--BCHER-KVA.example"])
def test_a_domain_is_the_same_in_each_of_its_forms(tmp_path: Path, domain: str) -> None:
    """RFC 5890 section 2.3.2.4."""
    with esmtp(tmp_path, "--domain", domain, "--hostname", "bücher.example") as server, Telnet(server.port) as client:
        assert client.hear() == b"220 xn--bcher-kva.example ESMTP carteiro"
        client.say("EHLO me", f"MAIL FROM:{FROM} SMTPUTF8")
        for same in (
            "bücher.example",
            "xn--bcher-kva.example",
            "BÜCHER.EXAMPLE",
            "XN--bcher-kva.example",
            "bu\u0308cher.example.",
        ):
            assert client.say(f"RCPT TO:<johndoe@{same}>")[:3] == b"250", same
        for other in ("bucher.example", "example", "x.bücher.example"):
            assert client.say(f"RCPT TO:<johndoe@{other}>")[:9] == b"550 5.7.1", other


def test_a_postmaster_who_is_named_is_the_postmaster(tmp_path: Path) -> None:
    users = ["johndoe", "postmaster", "maria"]
    flags = ("--postmaster", "Maria", "--catch-all", "johndoe", "--vrfy")
    with Server(tmp_path, "--dialect", "esmtp", *flags, users=users) as server, server.connect() as client:
        client.say("EHLO me")
        assert client.mail(b"x\r\n", FROM, "<postmaster@x.example>")[:3] == b"250"
        assert [len(server.mailbox(name)) for name in users] == [0, 0, 1]


def test_a_postmaster_who_is_nobody_is_one_line_and_exit_1(tmp_path: Path) -> None:
    users = tmp_path / "users.txt"
    users.write_text("johndoe\n")
    result = run("--listen", "127.0.0.1:0", "--mail-dir", tmp_path / "m", "--postmaster", "maria", users)
    assert result.returncode == 1
    assert re.fullmatch(r"smtpd: .*users\.txt: no user maria in it: give .*\n", result.stderr)


def test_a_large_message_in_chunks_comes_back_as_it_was(tmp_path: Path) -> None:
    content = b"Subject: x\r\n\r\n" + b"".join(b".%d From\r\n" % n for n in range(100_000))
    with esmtp(tmp_path, "--store", "maildir") as server, server.connect() as client:
        client.say(*TO_DATA[:3])
        pieces = [content[at : at + 300_001] for at in range(0, len(content), 300_001)]
        for piece in pieces:
            last = b" LAST" if piece is pieces[-1] else b""
            client.send(b"BDAT %d%b\r\n%b" % (len(piece), last, piece))
        assert [client.hear()[:3] for _ in pieces] == [b"250"] * len(pieces)
        server.rest()
        (path,) = (server.mail_dir / "johndoe" / "new").iterdir()
        assert path.read_bytes().endswith(b"+0000\n" + content.replace(b"\r\n", b"\n"))


BINARY = b"Subject: x\r\nContent-Transfer-Encoding: binary\r\n\r\n\0\r\rFrom me\nFrom you\r\n\r\n.\r\n\xff\r"


@pytest.mark.parametrize("store", ["mbox", "maildir"])
def test_a_binary_message_is_kept_octet_for_octet(tmp_path: Path, store: str) -> None:
    with esmtp(tmp_path, "--store", store) as server, server.connect() as client:
        client.say("EHLO me", f"MAIL FROM:{FROM} BODY=BINARYMIME", f"RCPT TO:{TO}")
        client.send(b"BDAT 50\r\n%bBDAT %d LAST\r\n%b" % (BINARY[:50], len(BINARY) - 50, BINARY[50:]))
        assert [client.hear()[:3] for _ in range(2)] == [b"250"] * 2
        assert client.say("NOOP")[:3] == b"250", "its octets are no commands"
        server.rest()
        if store == "mbox":
            quoted = BINARY.replace(b"\nFrom you", b"\n>From you")
            assert (server.mail_dir / "johndoe.txt").read_bytes().endswith(b"+0000\n" + quoted + b"\n\n")
        else:
            (path,) = (server.mail_dir / "johndoe" / "new").iterdir()
            assert path.read_bytes().endswith(b"+0000\n" + BINARY)


def test_a_disconnect_anywhere_leaves_no_half_message_and_no_descriptor(tmp_path: Path) -> None:
    start = [line.encode() + b"\r\n" for line in TO_DATA[:3]]
    chunked = [*start, b"BDAT 5\r\n", b"he", b"lloBDAT 3", b" LAST\r\n", b"ab"]
    with esmtp(tmp_path) as server:
        before = descriptors(server.process.pid)
        for steps in ([*start, b"DATA\r\n", b"text\r\n", b".", b"\r"], chunked):
            for length in range(len(steps) + 1):
                with Telnet(server.port) as client:
                    client.send(b"".join(steps[:length]))
        wait_until(lambda: descriptors(server.process.pid) == before)
        assert server.mailbox("johndoe") == []


def test_all_may_be_hidden(tmp_path: Path) -> None:
    names = (
        "PIPELINING",
        "SIZE",
        "8bitmime",
        "SMTPUTF8",
        "EnhancedStatusCodes",
        "CHUNKING",
        "Help",
        "LIMITS",
        "STARTTLS",
        "AUTH",
    )
    flags = [word for name in names for word in ("--hide-extension", name)]
    with esmtp(tmp_path, "--hostname", "mx.test", *flags) as server, server.connect() as client:
        assert client.say("EHLO me") == b"250 mx.test greets you"
        for parameter in ("SIZE=5", "BODY=8BITMIME", "BODY=BINARYMIME", "SMTPUTF8", "AUTH=<>"):
            assert client.say(f"MAIL FROM:{FROM} {parameter}") == b"555 Parameter not offered"
        assert client.say("STARTTLS", "AUTH PLAIN AGEAYg==") == b"502 Command not offered"
        assert client.mail(b"x\r\n", FROM, TO) == b"250 Message accepted for delivery"


def test_whoever_says_nothing_but_nonsense_is_sent_away(tmp_path: Path) -> None:
    with esmtp(tmp_path) as server, server.connect() as client:
        client.send(b"nonsense\r\n" * 100)
        assert [client.hear()[:3] for _ in range(102)] == [b"500"] * 100 + [b"421", b""]
        client = server.connect()
        client.send(b"nonsense\r\n" * 99 + b"NOOP\r\n" + b"nonsense\r\n" * 99)
        assert [client.hear()[:3] for _ in range(199)] == [b"500"] * 99 + [b"250"] + [b"500"] * 99
        client.close()


def test_the_table_is_printed(tmp_path: Path) -> None:
    for form, words in (("text", "STARTTLS"), ("mermaid", "stateDiagram-v2"), ("dot", 'digraph "esmtp" {')):
        assert words.lower() in run("--table", form).stdout.lower()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ("--dialect classic --vrfy", "--vrfy: only with --dialect esmtp"),
        ("--dialect classic --domain x --max-recipients 5", "--max-recipients --domain: only with"),
        ("--dialect classic --listen-tls 127.0.0.1:0", "--listen-tls: only with"),
        ("--max-recipients 0", "'0' is not a whole number from 1 on"),
        ("--max-messages -1", "is not a whole number|expected one argument"),
        ("--bare-newline keep", "invalid choice: 'keep'"),
        ("--hide-extension DSN", "--hide-extension DSN: no such extension: choose from PIPELINING, SIZE"),
        ("--domain two\twords", "is not (a|one) domain"),
        (
            "--domain a.example,b.example",
            "'a.example,b.example' is not one domain: give the flag once for each of them: a.example and b",
        ),
        ("--domain *.example.org", "no pattern is understood, write each domain, as in example.org"),
        ("--domain jo@example.org", "is an address: write what stands behind the @: example.org"),
        ("--domain @example.org", "is an address: write what stands behind the @: example.org"),
        ("--domain a..b", "'a..b' is not a domain: write example.org"),
        ("--domain http://example.org", "is not a domain: write example.org"),
        ("--hostname a,b", "'a,b' is not one name: write mx.example.org"),
        ("--hostname mx:25", "is not a domain"),
        ("--tls-key k", "give the certificate, too"),
        ("--require-tls", "--require-tls: give a certificate with --tls-cert"),
        ("--listen-tls 127.0.0.1:0", "--listen-tls: give a certificate with --tls-cert"),
        ("--listen-tls 465 --tls-cert c", "argument --listen-tls: "),
        ("--require-auth", "--require-auth: give --auth-file or --auth-accept-any"),
        ("--auth-file a --auth-accept-any --tls-cert c", "give one of them"),
        ("--auth-file a", "authentication is only taken under TLS"),
        ("--auth-accept-any", "authentication is only taken under TLS"),
        ("--auth-allow-insecure", "--auth-allow-insecure: give --auth-file or --auth-accept-any, too"),
        ("--vrf", "unrecognized arguments: --vrf"),
        ("--mail-dir ", "'' is no directory: write ./mailboxes"),
    ],
)
def test_flags_that_make_no_sense_are_one_line_and_exit_2(arguments: str, words: str) -> None:
    result = run(*arguments.split(" "), "users.txt")
    assert result.returncode == 2 and result.stdout == ""
    assert re.fullmatch(r"smtpd: .* \(see smtpd --help\)\n", result.stderr) and re.search(words, result.stderr)
