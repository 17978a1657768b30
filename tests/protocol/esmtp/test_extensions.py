"""Each extension, in the spirit of the examples of its own RFC: offered, understood, and hidden."""

import re

import pytest

from protocol.esmtp.extensions import EXTENSIONS

from ...kit.esmtp import EHLO, FROM, TO, TO_RCPT, Checker, EsmtpClient, proof


def offers(client: EsmtpClient) -> list[str]:
    """What EHLO lists."""
    first, *rest = client.say(EHLO)
    assert first[:4] in (b"250-", b"250 ") and first[4:] == b"mx.test greets you"
    return [line[4:].decode() for line in rest]


def test_what_is_offered_without_tls_and_authentication() -> None:
    assert offers(EsmtpClient()) == [
        "PIPELINING", "SIZE 1000", "8BITMIME", "SMTPUTF8", "ENHANCEDSTATUSCODES", "CHUNKING", "BINARYMIME",
        "HELP", "LIMITS RCPTMAX=1000",
    ]  # fmt: skip


def test_every_extension_is_offered_where_it_can_be_had() -> None:
    client = EsmtpClient(has_tls=True, authenticate=Checker(), authenticates_in_clear=True, max_messages=3)
    words = offers(client)
    assert tuple(word.split()[0] for word in words) == EXTENSIONS
    assert words[-3:] == ["LIMITS RCPTMAX=1000 MAILMAX=3", "STARTTLS", "AUTH PLAIN LOGIN"]


def test_starttls_is_offered_until_there_is_tls_and_auth_from_then_until_it_is_done() -> None:
    client = EsmtpClient(has_tls=True, authenticate=Checker())
    assert offers(client)[-1] == "STARTTLS"
    client.secure()
    assert offers(client)[-1] == "AUTH PLAIN LOGIN"
    assert client.codes(f"auth plain {proof()}") == [235]
    assert offers(client)[-1] == "LIMITS RCPTMAX=1000"


def test_a_reply_of_several_lines_has_a_dash_in_all_but_the_last() -> None:
    for lines in (EsmtpClient().say(EHLO), EsmtpClient().say("help")):
        assert [line[3:4] for line in lines] == [b"-"] * (len(lines) - 1) + [b" "]


USES = {
    "SIZE": ([EHLO, "mail from:<a@b> size=10"], 555),
    "8BITMIME": ([EHLO, "mail from:<a@b> body=8bitmime"], 555),
    "SMTPUTF8": ([EHLO, "mail from:<a@b> smtputf8"], 555),
    "CHUNKING": ([*TO_RCPT, "bdat 0 last"], 502),
    "BINARYMIME": ([EHLO, "mail from:<a@b> body=binarymime"], 555),
    "STARTTLS": ([EHLO, "starttls"], 502),
    "AUTH": ([EHLO, f"auth plain {proof()}"], 502),
}
"""A dialogue that needs an extension, and how it is refused where that is hidden."""


NEEDED = {("CHUNKING", "BINARYMIME"), ("8BITMIME", "SMTPUTF8")}
"""What cannot be had without another."""


@pytest.mark.parametrize("name", EXTENSIONS)
def test_a_hidden_extension_is_neither_offered_nor_understood(name: str) -> None:
    client = EsmtpClient(
        hidden=frozenset([name]), has_tls=True, authenticate=Checker(), authenticates_in_clear=True, verifies=True
    )
    left = [word.split()[0] for word in offers(client)]
    assert left == [word for word in EXTENSIONS if word != name and (name, word) not in NEEDED]
    for extension, (dialogue, refusal) in USES.items():
        is_gone = extension == name or (name, extension) in NEEDED
        client = EsmtpClient(
            hidden=frozenset([name]), has_tls=True, authenticate=Checker(), authenticates_in_clear=True
        )  # fmt: skip
        code = client.codes(*dialogue)[-1]
        assert code == refusal if is_gone else code < 400, (extension, name)


def test_without_any_extension_ehlo_is_answered_as_helo() -> None:
    client = EsmtpClient(hidden=frozenset(EXTENSIONS))
    assert client.say(EHLO) == client.say("helo me") == [b"250 mx.test greets you"]
    assert client.say("noop") == [b"250 Ok"]


def test_what_is_not_there_is_not_offered_and_a_502() -> None:
    client = EsmtpClient()
    assert client.codes(EHLO, "starttls") == client.codes("auth login") == [502]
    assert client.codes("mail from:<a@b> auth=<>") == [555]


def commands(client: EsmtpClient) -> list[str]:
    """The commands that HELP lists."""
    first, *rest = client.say("help")
    assert first == b"214-2.0.0 Commands of RFC 5321 and its extensions:"
    return b" ".join(line[len("214 2.0.0 ") :] for line in rest).decode().split()


def test_help_lists_the_commands_that_can_be_used_here() -> None:
    plain = ["EHLO", "HELO", "MAIL", "RCPT", "DATA", "BDAT", "RSET", "NOOP", "HELP", "VRFY"]
    assert commands(EsmtpClient()) == [*plain, "QUIT"]
    assert commands(EsmtpClient(has_tls=True, authenticate=Checker())) == [*plain, "STARTTLS", "AUTH", "QUIT"]
    hiding = EsmtpClient(has_tls=True, authenticate=Checker(), hidden=frozenset(["CHUNKING", "AUTH"]))
    assert commands(hiding) == [*(word for word in plain if word != "BDAT"), "STARTTLS", "QUIT"]


# Parameters of MAIL


@pytest.mark.parametrize(
    ("parameters", "reply"),
    [
        ("SIZE=0", b"250 2.1.0"),
        ("SIZE=1000", b"250 2.1.0"),
        ("SIZE=1001", b"552 5.3.4"),
        ("SIZE=99999999999999999999", b"552 5.3.4"),
        ("SIZE=100000000000000000000", b"501 5.5.4"),
        ("SIZE", b"501 5.5.4"),
        ("SIZE=-1", b"501 5.5.4"),
        ("SIZE=1k", b"501 5.5.4"),
        ("BODY=7BIT", b"250 2.1.0"),
        ("body=8BitMime", b"250 2.1.0"),
        ("BODY=BINARYMIME", b"250 2.1.0"),
        ("BODY", b"501 5.5.4"),
        ("BODY=16BIT", b"501 5.5.4"),
        ("SMTPUTF8", b"250 2.1.0"),
        ("smtputf8 body=8bitmime size=5", b"250 2.1.0"),
        ("SMTPUTF8=yes", b"501 5.5.4"),
        ("SIZE=1 SIZE=1", b"501 5.5.4"),
        ("RET=HDRS", b"555 5.5.4"),
        ("SIZE=2000 RET=HDRS", b"552 5.3.4"),
        ("AUTH=<>", b"250 2.1.0"),
        ("AUTH=e+3Dmc2@example.com", b"250 2.1.0"),
        ("AUTH", b"501 5.5.4"),
        ("AUTH=\N{SNOWMAN}", b"501 5.5.4"),
    ],
)
def test_parameters_of_mail(parameters: str, reply: bytes) -> None:
    for path in ("<a@b>", "<>", "<@r:a@b>"):
        client = EsmtpClient(authenticate=Checker())
        assert client.say(EHLO, f"mail from:{path} {parameters}")[0].startswith(reply)
        assert client.codes(TO) == [250 if reply.startswith(b"250") else 503]


def test_a_client_that_said_helo_is_offered_no_parameters_and_an_empty_list_is_none() -> None:
    client = EsmtpClient()
    assert client.codes(EHLO, "helo me", "mail from:<a@b> size=1") == [555]
    assert client.codes("mail from:<a@b>") == [250]


def test_rcpt_has_no_parameters_here() -> None:
    client = EsmtpClient()
    assert client.say(EHLO, FROM, f"{TO} notify=never")[0].startswith(b"555 5.5.4")
    assert client.codes("data") == [503]
    assert client.codes(TO) == [250]


# 8BITMIME and SMTPUTF8


def test_eight_bits_come_through_as_they_are() -> None:
    client = EsmtpClient()
    client.say(EHLO, f"{FROM} body=8bitmime", TO, "data", "é", ".")
    assert client.contents == ["é\r\n".encode()]


def test_addresses_that_are_not_ascii_need_smtputf8() -> None:
    client = EsmtpClient(find=lambda name: "é" if name == "é".encode() else None)
    for sender in ("<ü@b>", "<a@ü>", '<"ü"@b>', "<@ü:a@b>"):
        assert client.say(EHLO, f"mail from:{sender}")[0].startswith(b"553 5.6.7")
        assert client.codes(f"mail from:{sender} smtputf8", "rset") == [250]
    assert client.say(FROM, "rcpt to:<é@here>")[0].startswith(b"553 5.6.7")
    assert client.codes("rset", f"{FROM} smtputf8", "rcpt to:<é@hére>", "data", "x", ".") == [250]
    assert list(client.boxes) == ["é"]
    assert client.codes(FROM, "rcpt to:<é@here>") == [553], "what one message asked for is not for the next"


def test_vrfy_of_an_address_that_is_not_ascii_needs_smtputf8_too() -> None:
    client = EsmtpClient(verifies=True, find=lambda name: "é" if name == "é".encode() else None)
    assert client.say("vrfy é")[0].startswith(b"553 5.6.7")
    assert client.say("vrfy é smtpUTF8") == ["250 2.1.5 <é@mx.test>".encode()]
    assert client.say("vrfy <é@x> SMTPUTF8") == ["250 2.1.5 <é@x>".encode()]
    hiding = EsmtpClient(verifies=True, hidden=frozenset(["SMTPUTF8"]))
    assert hiding.codes("vrfy johndoe smtputf8") == [501]


# ENHANCEDSTATUSCODES

DIALOGUE = (
    "noop", "mail from:<a@b>", "xyz", EHLO, "rcpt to:<a@b>", "mail from:<", "mail from:<a@b> x=y", "mail from:<é@b>", FROM,
    FROM, "rcpt to:<nobody@b>", TO, "help", "vrfy x", "expn x", "rset", "starttls", "auth foo", FROM, TO, "bdat 0", "data",
    "bdat 0 last", "quit",
)  # fmt: skip


def test_every_reply_but_to_hello_carries_a_code_unless_they_are_hidden() -> None:
    for hidden in (False, True):
        client = EsmtpClient(hidden=frozenset(["ENHANCEDSTATUSCODES"] * hidden))
        for line in DIALOGUE:
            for reply in client.say(line):
                has_code = re.match(rb"([245])[0-9]{2}[ -]\1\.[0-9]{1,3}\.[0-9]{1,3} ", reply) is not None
                assert has_code != (hidden or line == EHLO), reply


# LIMITS


def test_recipients_beyond_the_limit_are_a_452_and_the_others_get_the_message() -> None:
    client = EsmtpClient(max_recipients=2)
    assert offers(client)[-1] == "LIMITS RCPTMAX=2"
    assert client.codes(FROM, TO) == client.codes("rcpt to:<jhaneroe@here>") == [250]
    assert client.say("rcpt to:<babydoe@here>") == [b"452 4.5.3 Too many recipients, the limit is 2"]
    assert client.codes("data", "x", ".") == [250]
    assert sorted(client.boxes) == ["jhaneroe", "johndoe"]
    assert client.codes(FROM, TO) == [250], "the next message has as many"


def test_by_default_a_thousand_recipients_are_taken() -> None:
    client = EsmtpClient()
    assert [client.codes(line) for line in [EHLO, FROM, *[TO] * 1000]][2:] == [[250]] * 1000
    assert client.codes(TO) == [452]


def test_any_number_of_recipients_too_many_is_no_reason_to_end_the_connection() -> None:
    """Section 4.5.3.1.10: the client is to send the message for those that were accepted, and again for the others."""
    client = EsmtpClient(max_recipients=2, max_refusals=3)
    replies = client.send(b"ehlo me\r\nmail from:<a@b>\r\n" + b"rcpt to:<johndoe@here>\r\n" * 50 + b"data\r\n")
    codes = [reply[:3] for reply in replies if reply[3:4] == b" "]
    assert codes == [b"250", b"250"] + [b"250"] * 2 + [b"452"] * 48 + [b"354"]
    assert client.codes("x", ".") == [250] and sorted(client.boxes) == ["johndoe"]


def test_messages_beyond_the_limit_are_a_452() -> None:
    client = EsmtpClient(max_messages=2)
    client.say(EHLO)
    for _ in range(2):
        assert client.codes(FROM, TO, "data", "x", ".") == [250]
    assert client.say(FROM) == [b"452 4.3.2 Too many messages on this connection, the limit is 2"]
    assert client.codes("quit") == [221]


# PIPELINING


def test_the_example_of_rfc_2920_with_a_recipient_that_is_refused() -> None:
    client = EsmtpClient()
    client.say(EHLO)
    replies = client.send(
        b"MAIL FROM:<a@b>\r\nRCPT TO:<johndoe@x>\r\nRCPT TO:<nobody@x>\r\nRCPT TO:<jhaneroe@x>\r\nDATA\r\n"
    )
    assert [reply[:3] for reply in replies] == [b"250", b"250", b"550", b"250", b"354"]
    replies = client.send(b"x\r\n.\r\nQUIT\r\n")
    assert [reply[:3] for reply in replies] == [b"250", b"221"]
    assert sorted(client.boxes) == ["jhaneroe", "johndoe"]


def test_data_without_a_recipient_is_refused_when_it_was_pipelined() -> None:
    client = EsmtpClient()
    client.say(EHLO)
    replies = client.send(b"MAIL FROM:<a@b>\r\nRCPT TO:<nobody@x>\r\nDATA\r\n")
    assert [reply[:9] for reply in replies] == [b"250 2.1.0", b"550 5.1.1", b"503 5.5.1"]
