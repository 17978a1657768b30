"""Paths made by the ABNF of RFC 5321 section 4.1.2 (with RFC 6531 section 3.3), rule by rule, and what each means."""

from typing import NamedTuple

from hypothesis import strategies as st


class Written(NamedTuple):
    """A path, or a part of one: how it is written, and what it means."""

    text: bytes
    local_part: bytes = b""
    domain: bytes = b""


LETTERS = "ABCXYZabcxyz"
LET_DIG = st.sampled_from(LETTERS + "0123456789")
UTF8_NON_ASCII = st.characters(min_codepoint=0x80, exclude_categories=["Cs"])
ATEXT = st.one_of(LET_DIG, st.sampled_from("!#$%&'*+-/=?^_`{|}~"), UTF8_NON_ASCII)
ATOM = st.text(ATEXT, min_size=1, max_size=6)
DOT_STRING = st.lists(ATOM, min_size=1, max_size=3).map(".".join).map(lambda text: Written(text.encode(), text.encode()))

QTEXT = st.one_of(st.sampled_from([chr(code) for code in range(32, 127) if chr(code) not in '"\\']), UTF8_NON_ASCII).map(
    lambda char: (char, char)
)
QUOTED_PAIR = st.characters(min_codepoint=32, max_codepoint=126).map(lambda char: ("\\" + char, char))
QUOTED_STRING = st.lists(st.one_of(QTEXT, QUOTED_PAIR), max_size=6).map(
    lambda pairs: Written(
        ('"' + "".join(pair[0] for pair in pairs) + '"').encode(), "".join(pair[1] for pair in pairs).encode()
    )
)
LOCAL_PARTS = st.one_of(DOT_STRING, QUOTED_STRING)

LDH_STR = st.text(st.one_of(LET_DIG, st.just("-")), max_size=5)
SUB_DOMAIN = st.one_of(
    st.builds(lambda first, middle, last: first + middle + last, LET_DIG, LDH_STR, LET_DIG),
    LET_DIG,
    st.text(st.one_of(LET_DIG, UTF8_NON_ASCII), min_size=1, max_size=4),
)
DOMAIN = st.lists(SUB_DOMAIN, min_size=1, max_size=4).map(".".join)

SNUM = st.integers(0, 255).flatmap(lambda number: st.integers(1, 3).map(lambda width: f"{number:0{width}}"))
SOUND_SNUM = st.integers(0, 255).map(str)
IPV4 = st.lists(SNUM, min_size=4, max_size=4).map(".".join)
IPV6_HEX = st.text("0123456789abcdefABCDEF", min_size=1, max_size=4)


def ipv6(before: list[str], after: list[str], most: int) -> str:
    """An address of this many groups, or of fewer with "::" for two or more."""
    return ":".join(before) + "::" + ":".join(after[: max(0, most - len(before))])


IPV6 = st.one_of(
    st.lists(IPV6_HEX, min_size=8, max_size=8).map(":".join),
    st.builds(ipv6, st.lists(IPV6_HEX, max_size=6), st.lists(IPV6_HEX, max_size=6), st.just(6)),
    st.builds(
        lambda groups, dots: ":".join([*groups, ".".join(dots)]),
        st.lists(IPV6_HEX, min_size=6, max_size=6),
        st.lists(SOUND_SNUM, min_size=4, max_size=4),
    ),
)
LITERAL = st.one_of(IPV4, st.builds(lambda tag, text: tag + text, st.sampled_from(["IPv6:", "ipv6:"]), IPV6)).map(
    "[{}]".format
)

MAILBOXES = st.builds(
    lambda local, domain: Written(local.text + b"@" + domain.encode(), local.local_part, domain.encode()),
    LOCAL_PARTS,
    st.one_of(DOMAIN, LITERAL),
)
A_D_L = st.lists(DOMAIN.map("@{}".format), min_size=1, max_size=3).map(",".join).map("{}:".format)
PATHS = st.builds(
    lambda route, mailbox: mailbox._replace(text=b"<" + route.encode() + mailbox.text + b">"),
    st.one_of(st.just(""), A_D_L),
    MAILBOXES,
)
