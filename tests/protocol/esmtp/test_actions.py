"""What the dialect of RFC 5321 does beside the order of commands: policy, limits, sizes, trace fields, ways to end."""

from typing import Any

import pytest

from protocol.engine.replies import TOO_MANY_MAILBOXES

from ...kit.esmtp import EHLO, FROM, TO, TO_RCPT, Checker, EsmtpClient, proof
from ...kit.support import DiskIsFull, Kept


def test_a_whole_dialogue_word_for_word() -> None:
    client = EsmtpClient()
    assert client.greeting == [b"220 mx.test ESMTP carteiro"]
    assert client.say("HELO me") == [b"250 mx.test greets you"]
    assert client.say("MAIL FROM:<JohnDoe@Example>") == [b"250 2.1.0 Sender ok"]
    assert client.say("RCPT TO:<nobody@here>") == [b"550 5.1.1 No such mailbox here"]
    assert client.say('RCPT TO: <@a,@b:"John\\doe"@Here>') == [b"250 2.1.5 Recipient ok"]
    assert client.say("DATA") == [b'354 Enter mail, end with "." on a line by itself']
    assert client.say("..Hello", ".") == [b"250 2.0.0 Message accepted for delivery"]
    assert client.say("QUIT") == [b"221 2.0.0 mx.test closing connection"]
    assert client.session.is_agreed and client.session.farewell == "quit"
    assert client.boxes == {"johndoe": [Kept(b"JohnDoe@Example", b'"John\\doe"@Here', b".Hello\r\n")]}


def test_what_may_be_asked_at_any_time() -> None:
    for opening in ((), ("helo me",), (EHLO,), (EHLO, FROM), TO_RCPT, (*TO_RCPT, "bdat 0")):
        client = EsmtpClient()
        client.say(*opening)
        state = client.session.state
        assert [client.codes(line) for line in ("noop", "noop x", "vrfy x", "expn x")] == [[250], [250], [252], [502]]
        assert client.say("help")[-1].startswith(b"214 2.0.0 ") and client.session.state is state
        assert client.codes("xyz") == [500] and client.codes("data x") in ([501], [503]) and client.session.state is state


def test_hello_and_rset_end_the_transaction() -> None:
    for word in (EHLO, "helo me", "rset"):
        for opening in (TO_RCPT, (*TO_RCPT, "bdat 0")):
            client = EsmtpClient()
            assert client.codes(*opening, word)[0] == 250
            assert client.codes("data") == client.codes(TO) == client.codes("bdat 0") == [503]
            assert client.store.memory.abandoned == len(opening) - len(TO_RCPT)
            assert client.codes(FROM, TO, "data", "x", ".") == [250]


def test_storage_that_knows_that_it_takes_nothing_says_so_before_anything_is_sent() -> None:
    faults: list[DiskIsFull] = [DiskIsFull("for now"), DiskIsFull()]
    client = EsmtpClient(refusal=lambda: faults.pop(0) if faults else None)
    client.say(EHLO)
    assert [client.codes(FROM), client.codes(FROM)] == [[451], [452]]
    assert client.codes(TO) == [503], "there is no transaction"
    assert client.codes(FROM, TO, "data", "x", ".") == [250]


# For whom


def test_all_recipients_get_the_message_and_a_mailbox_that_is_named_twice_one_copy() -> None:
    client = EsmtpClient()
    client.say(*TO_RCPT, "rcpt to:<jhaneroe@x>", "rcpt to:<JohnDoe@other>", "data", "x", ".")
    assert client.boxes == {
        "johndoe": [Kept(b"a@b", b"johndoe@here, JohnDoe@other", b"x\r\n")],
        "jhaneroe": [Kept(b"a@b", b"jhaneroe@x", b"x\r\n")],
    }
    assert client.log == [
        "message m1 stored: mailbox johndoe, jhaneroe, 3 octets, 0.0 ms; client 'me', no Message-ID; "
        "from <a@b> to <johndoe@here>, <jhaneroe@x>, <JohnDoe@other>"
    ]


@pytest.mark.parametrize(
    ("kind", "reply"), [("no room", b"452 4.3.1"), ("for now", b"451 4.3.0"), ("for good", b"554 5.3.0")]
)
def test_a_storage_failure_is_for_all_recipients_and_the_session_goes_on(kind: Any, reply: bytes) -> None:
    client = EsmtpClient()
    client.store.memory.fault = DiskIsFull(kind)
    assert client.say(*TO_RCPT, "rcpt to:<jhaneroe@x>", "data", "x", ".")[0].startswith(reply)
    client.store.memory.fault = None
    assert client.boxes == {} and client.codes("data") == [503]
    assert client.codes(FROM, TO, "data", "x", ".") == [250]


def test_mail_is_taken_for_the_domains_of_the_site_alone() -> None:
    client = EsmtpClient(domains=frozenset([b"here", b"[192.0.2.7]"]))
    client.say(EHLO, FROM)
    for domain in ("there", "sub.here", "xhere", "[192.0.2.8]"):
        assert client.say(f"rcpt to:<johndoe@{domain}>") == [b"550 5.7.1 No mail is accepted for this domain"]
        assert client.say(f"rcpt to:<@here:postmaster@{domain}>")[0].startswith(b"550 5.7.1")
    for path in ("johndoe@HERE", "johndoe@[192.0.2.7]", "@there:johndoe@here"):
        assert client.codes(f"rcpt to:<{path}>") == [250]


def test_the_postmaster_always_has_a_mailbox() -> None:
    client = EsmtpClient(postmaster=lambda: "johndoe", domains=frozenset([b"here"]))
    for path in ("Postmaster", "postMASTER@here", '"postmaster"@HERE'):
        assert client.codes(EHLO, FROM, f"rcpt to:<{path}>", "data", "x", ".") == [250]
    assert [kept.forward_path for kept in client.boxes["johndoe"]] == [
        b"Postmaster",
        b"postMASTER@here",
        b'"postmaster"@HERE',
    ]
    own = EsmtpClient(postmaster=lambda: "johndoe", find=lambda name: "pm" if name == b"postmaster" else None)
    own.say(EHLO, FROM, "rcpt to:<postmaster>", "data", "x", ".")
    assert list(own.boxes) == ["pm"]
    assert EsmtpClient().codes(EHLO, FROM, "rcpt to:<postmaster>") == [550], "a site of which nobody has a mailbox"


def test_vrfy_tells_nothing_unless_it_is_asked_to() -> None:
    for name in ("johndoe", "nobody", "johndoe@here", '"'):
        assert EsmtpClient().say(f"vrfy {name}")[0].startswith(b"252 2.1.5")
    client = EsmtpClient(verifies=True, domains=frozenset([b"here"]), postmaster=lambda: "johndoe")
    assert client.say("vrfy JohnDoe") == client.say("vrfy <JohnDoe>") == [b"250 2.1.5 <JohnDoe@mx.test>"]
    assert client.say("vrfy <johndoe@HERE>") == [b"250 2.1.5 <johndoe@here>"]
    assert client.say('vrfy "john\\doe"@here') == [b'250 2.1.5 <"john\\doe"@here>']
    assert client.say("vrfy Postmaster") == [b"250 2.1.5 <Postmaster@mx.test>"]
    for name in ("nobody", "johndoe@there", "<nobody@here>"):
        assert client.say(f"vrfy {name}")[0].startswith(b"550 5.1.1")
    for name in ("john doe", "a@b@c", "@", "smtputf8 SMTPUTF8 x"):
        assert client.say(f"vrfy {name}")[0].startswith(b"501 5.5.4")
    anywhere = EsmtpClient(verifies=True)
    assert anywhere.codes("vrfy johndoe@there") == [250]


def test_a_name_that_has_no_mailbox_now_is_told_why_and_to_try_again() -> None:
    client = EsmtpClient(verifies=True, find=lambda name: TOO_MANY_MAILBOXES.about(7))
    client.say(EHLO, FROM)
    for name in ("johndoe@here", "postmaster"):
        assert client.say(f"RCPT TO:<{name}>") == [b"452 4.3.1 Too many mailboxes, the limit is 7"]
    assert client.codes("DATA") == [503], "it has no recipients"
    assert client.codes("VRFY johndoe") == [252]
    assert not client.boxes


# Policy


def test_a_site_may_require_tls_before_mail() -> None:
    client = EsmtpClient(has_tls=True, requires_tls=True)
    assert client.say(EHLO, FROM) == [b"530 5.7.0 Send STARTTLS first"]
    assert client.codes(TO) == [503] and client.codes("vrfy johndoe") == [530]
    client.secure()
    assert client.codes(*TO_RCPT) == [250]


def test_a_site_may_require_authentication_before_mail() -> None:
    client = EsmtpClient(authenticate=Checker(), authenticates_in_clear=True, requires_authentication=True)
    assert client.say(EHLO, FROM) == [b"530 5.7.0 Authentication required"]
    assert client.codes(f"auth plain {proof()}", FROM, TO) == [250]


# Sizes and lines


def test_a_message_over_the_limit_is_read_to_its_end_and_refused() -> None:
    client = EsmtpClient(max_message_size=12)
    client.say(*TO_RCPT, "data")
    assert client.send(b"12345678901\r\nQUIT\r\nRSET\r\n") == []
    assert client.say("..", ".") == [b"552 5.3.4 Message larger than 12 octets"]
    assert client.boxes == {} and client.store.memory.abandoned == 1
    assert client.codes(FROM, TO, "data", "..8901234567", ".") == [552]
    assert client.codes(FROM, TO, "data", "..890123456", ".") == [250]


def test_text_lines_longer_than_a_thousand_octets_come_through() -> None:
    client = EsmtpClient(max_message_size=20_000)
    client.say(*TO_RCPT, "data", "x" * 19_000, ".")
    assert client.contents == [b"x" * 19_000 + b"\r\n"]


def test_a_command_line_over_the_limit_is_one_500_when_it_ends() -> None:
    client = EsmtpClient()
    assert client.send(b"NOOP " + b"x" * 12_283 + b"\r\n") == [b"250 2.0.0 Ok"]
    assert client.send(b"NOOP " + b"x" * 12_284) == client.send(b"x" * 100_000 + b"\r\n" * 0) == []
    assert client.send(b"\r\nNOOP\r\n") == [b"500 5.5.2 Syntax error, command unrecognized", b"250 2.0.0 Ok"]


@pytest.mark.parametrize("end", [b"\n", b"\r", b"\n\r", b"\r\r", b"\0", b"\r\0\n"])
def test_a_command_ends_at_crlf_and_nowhere_else(end: bytes) -> None:
    client = EsmtpClient()
    assert client.send(b"NOOP" + end) == []
    assert [reply[:3] for reply in client.send(b"QUIT\r\n")] == [b"500"] and not client.session.is_finished
    assert [reply[:3] for reply in client.send(b"QUIT" + end + b"\r\n")] == [b"500"] and not client.session.is_finished


def test_too_many_hops_are_a_loop() -> None:
    client = EsmtpClient(max_message_size=10_000)
    for fields, reply in ((100, b"250 2.0.0"), (101, b"554 5.4.6 Message has more than 100 Received fields")):
        assert client.say(*TO_RCPT, "data", *["received: x"] * fields, "", "x", ".")[0].startswith(reply)
        client.say(*TO_RCPT)
        content = b"Received: x\r\n" * fields
        assert client.send(b"BDAT %d LAST\r\n%b" % (len(content), content))[0].startswith(reply)
    assert len(client.contents) == 2


# Trace fields


def trace_of(client: EsmtpClient, *lines: str) -> bytes:
    client.say(*lines, "data", "x", ".")
    return client.traces[-1]


def test_the_received_field_says_who_gave_what_to_whom_and_when() -> None:
    client = EsmtpClient()
    assert trace_of(client, *TO_RCPT) == (
        b"Received: from me ([192.0.2.1])\r\n\tby mx.test (carteiro) with ESMTP id m1\r\n"
        b"\tfor <johndoe@here>; Mon, 21 Sep 2026 14:13:20 +0000\r\n"
    )
    assert trace_of(client, FROM, TO, "rcpt to:<jhaneroe@x>") == (
        b"Received: from me ([192.0.2.1])\r\n\tby mx.test (carteiro) with ESMTP id m2; Mon, 21 Sep 2026 14:13:20 +0000\r\n"
    )


@pytest.mark.parametrize("is_encrypted", [False, True])
@pytest.mark.parametrize("authenticates", [False, True])
@pytest.mark.parametrize(
    ("hello", "mail", "word"),
    [("helo me", FROM, "SMTP"), (EHLO, FROM, "ESMTP"), (EHLO, f"{FROM} smtputf8", "UTF8SMTP")],
)
def test_the_received_field_names_the_protocol(
    is_encrypted: bool, authenticates: bool, hello: str, mail: str, word: str
) -> None:
    """RFC 3848 has no SMTPS and SMTPA: who uses TLS or AUTH has used extensions."""
    client = EsmtpClient(is_encrypted=is_encrypted, authenticate=Checker(), authenticates_in_clear=True)
    client.say(EHLO, *[f"auth plain {proof()}"] * authenticates)
    letters = "S" * is_encrypted + "A" * authenticates
    word = "ESMTP" if word == "SMTP" and letters else word
    assert f" with {word}{letters} id m1\r\n".encode() in trace_of(client, hello, mail, TO)


def test_starttls_makes_it_esmtps() -> None:
    client = EsmtpClient(has_tls=True)
    client.say(EHLO)
    client.secure()
    assert b" with ESMTPS id m1" in trace_of(client, *TO_RCPT)
