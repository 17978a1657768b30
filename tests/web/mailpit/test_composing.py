"""Mails out of what is asked to be sent: whatever it is, there is a mail, or an error that says why."""

import email
import email.policy
from datetime import UTC, datetime
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from inbox.mime.message import message
from web.mailpit.composing import letter
from web.request import RequestError

NOW = datetime(2026, 11, 28, tzinfo=UTC)
TEXTS = st.one_of(st.text(max_size=200), st.none(), st.text("a\u00e9\u20ac\U0001f600 \t\"'\\=?_<>@,;:()", max_size=200))
PEOPLE = st.fixed_dictionaries({"Email": st.sampled_from(["a@b.c", "\u00fc@b.c", "x", ""])}, optional={"Name": TEXTS})
FILES = st.fixed_dictionaries(
    {"Content": st.sampled_from(["", "eA==", "%", "data:;base64,eA=="])},
    optional={"Filename": TEXTS, "ContentType": TEXTS, "ContentID": TEXTS},
)
FORMS = st.fixed_dictionaries(
    {"from": PEOPLE, "to": st.lists(PEOPLE, min_size=1, max_size=3)},
    optional={
        "replyto": st.lists(PEOPLE, max_size=2),
        "subject": TEXTS,
        "text": TEXTS,
        "html": TEXTS,
        "headers": st.dictionaries(st.text("Xx-: \n\u00e9", min_size=1, max_size=5), TEXTS, max_size=3),
        "tags": st.lists(TEXTS, max_size=2),
        "attachments": st.lists(FILES, max_size=3),
    },
)
SENDER = {"Email": "a@b.c"}


@given(FORMS)
@example({"from": SENDER, "to": [SENDER], "subject": "=?utf-8?q?x?="})
@example({"from": SENDER, "to": [{**SENDER, "Name": "=?utf-8?q?x?="}], "text": "\x00\x85\u2028", "html": "\r"})
def test_a_mail_says_what_it_was_asked_to_say_or_there_is_an_error(form: dict[str, Any]) -> None:
    try:
        made = letter(form, "id@x", NOW)
    except RequestError as error:
        assert error.status == 400 and str(error)
        return
    read = message(made.octets)
    assert read.subject.split() == (form.get("subject") or "").split()
    assert [address.address for address in read.to] == [person["Email"] for person in form["to"]]
    assert [address.name.split() for address in read.to] == [(person.get("Name") or "").split() for person in form["to"]]
    assert read.message_id == "id@x" and len(read.inline) + len(read.attachments) == len(form.get("attachments") or [])
    assert email.message_from_bytes(made.octets, policy=email.policy.compat32)["Message-ID"] == "<id@x>"


@given(
    st.dictionaries(
        st.sampled_from(["from", "to", "cc", "bcc", "replyto", "subject", "text", "html", "headers", "tags", "attachments"]),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.text(max_size=9),
            lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
            max_leaves=6,
        ),
    )
)
def test_anything_else_is_an_error(form: dict[str, Any]) -> None:
    try:
        letter(form, "id@x", NOW)
    except RequestError as error:
        assert error.status == 400
    else:
        raise AssertionError("there is no sender")
