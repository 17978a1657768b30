"""A mail out of what Mailpit's API is asked to send. What cannot be sent is a RequestError that says why.

Header fields are written here, not by the policies of the standard library: these read again whatever they write, which
takes long for long fields, and raise what is no error of ours.
"""

import base64
import binascii
import mimetypes
import re
from collections.abc import Mapping
from datetime import datetime
from email.header import Header
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8
from email.utils import format_datetime
from typing import Any, NamedTuple
from urllib.parse import quote

from ..request import RequestError
from ..selecting import is_sound, only, text_of, texts_of
from .sent_mail import Letter
from .tags import tags_of

MOST_RECIPIENTS = 1_000
"""Recipients of a mail."""

MOST_ATTACHMENTS = 200
"""Attachments of a mail."""

MOST_HEADERS = 100
"""Header fields that a request can add."""

LONGEST_VALUE = 10_000
"""Characters of a subject, and of the value of a header field."""

LONGEST_LINE = 900
"""Characters of a line of a header field: less than SMTP allows (RFC 5321, 4.5.3.1.6)."""

LONGEST_NAME = 250
"""Characters of the name of a file, and of that of a person."""

_ADDRESS = re.compile(r"[^\s<>()\[\]\\,;:\"@\x00-\x1f\x7f]{1,64}@[^\s<>()\\,;\"@\x00-\x1f\x7f]{1,255}")
_NAME = re.compile(r"[!-9;-~]{1,76}")
_TYPE = re.compile(r"([A-Za-z0-9!#$&^_.+-]{1,60})/([A-Za-z0-9!#$&^_.+-]{1,60})")
_CONTENT_ID = re.compile(r"[!-;=?-~]{1,200}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_ATOM = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~ -]*")
_OWN = {"from", "to", "cc", "bcc", "reply-to", "date", "subject", "message-id", "mime-version"}
_TYPES = mimetypes.MimeTypes()
"""Those that Python knows, without files of the system."""


class _Person(NamedTuple):
    name: str
    email: str


class _File(NamedTuple):
    octets: bytes
    type: tuple[str, str]
    name: str
    content_id: str


def letter(form: Mapping[str, Any], message_id: str, now: datetime) -> Letter:
    """The mail that a body asks for, whose names are in lower case. Raises RequestError."""
    only(form, "from", "to", "cc", "bcc", "replyto", "subject", "text", "html", "headers", "tags", "attachments")
    sender = _person(form.get("from"), "From")
    to, cc, reply_to = (_people(form, name) for name in ("To", "Cc", "ReplyTo"))
    bcc = [_person({"Email": email}, "Bcc").email for email in texts_of(form, "bcc", MOST_RECIPIENTS)]
    recipients = list(dict.fromkeys([*(person.email for person in (*to, *cc)), *bcc]))
    if not recipients:
        raise RequestError(400, "no recipients: name them in To, Cc or Bcc")
    if len(recipients) > MOST_RECIPIENTS:
        raise RequestError(400, f"there are more than {MOST_RECIPIENTS:,} recipients")
    is_ascii = all(text.isascii() for text in (sender.email, *recipients, *(person.email for person in reply_to)))
    mail = EmailMessage(policy=(SMTP if is_ascii else SMTPUTF8).clone(refold_source="none"))
    _fill(mail, form)
    mail.set_raw("From", _written([sender]))
    for name, people in (("To", to), ("Cc", cc), ("Reply-To", reply_to)):
        if people:
            mail.set_raw(name, _written(people))
    mail.set_raw("Subject", _value("Subject", text_of(form, "subject")))
    mail.set_raw("Date", format_datetime(now))
    mail.set_raw("Message-ID", f"<{message_id}>")
    for name, value in _added(form.get("headers")):
        mail.set_raw(name, value)
    return Letter(sender.email, recipients, mail.as_bytes(), tags_of(dict(form)))


def _fill(mail: EmailMessage, form: Mapping[str, Any]) -> None:
    """Text, HTML and files."""
    plain, html = text_of(form, "text"), text_of(form, "html")
    files = _files(form.get("attachments"))
    page = mail
    if plain or not html:
        mail.set_content(plain)
        if html:
            mail.add_alternative(html, subtype="html")
            page = mail.get_payload()[-1]  # type: ignore[assignment,index]
    else:
        mail.set_content(html, subtype="html")
    for file in (file for file in files if file.content_id and html):
        page.add_related(file.octets, *file.type)
        _name(page, file, "inline")
    for file in (file for file in files if not (file.content_id and html)):
        mail.add_attachment(file.octets, *file.type)
        _name(mail, file, "attachment")


def _name(parent: EmailMessage, file: _File, kind: str) -> None:
    """Names the file that was attached last."""
    part: EmailMessage = parent.get_payload()[-1]  # type: ignore[assignment,index]
    del part["Content-Disposition"]
    if file.name.isascii():
        escaped = file.name.replace("\\", "\\\\").replace('"', '\\"')
        name = f'; filename="{escaped}"' if file.name else ""
    else:
        name = f"; filename*=utf-8''{quote(file.name, safe='')}"
    part.set_raw("Content-Disposition", kind + name)
    if file.content_id:
        part.set_raw("Content-ID", f"<{file.content_id}>")


def _lowered(value: object, what: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise RequestError(400, f"{what} is no object")
    return {name.lower(): inner for name, inner in value.items()}


def _people(form: Mapping[str, Any], name: str) -> list[_Person]:
    given = form.get(name.lower())
    if given is None:
        return []
    if not isinstance(given, list) or len(given) > MOST_RECIPIENTS:
        raise RequestError(400, f"{name} is no list of at most {MOST_RECIPIENTS:,} addresses")
    return [_person(each, name) for each in given]


def _person(given: object, what: str) -> _Person:
    fields = _lowered(given, what)
    email, name = text_of(fields, "email").strip(), text_of(fields, "name").strip()
    if not _ADDRESS.fullmatch(email):
        raise RequestError(400, f"invalid {what} address: {email[:80]}")
    if len(name) > LONGEST_NAME or _CONTROL.search(name):
        raise RequestError(400, f"invalid {what} name: {name[:80]!r}")
    return _Person(name, email)


def _written(people: list[_Person]) -> str:
    """Addresses as a header field has them, each on a line of its own."""
    return ",\r\n ".join(f"{_quoted(name)} <{email}>" if name else email for name, email in people)


def _quoted(name: str) -> str:
    if not name.isascii() or "=?" in name:
        return Header(name, "utf-8", maxlinelen=75).encode(linesep="\r\n")
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')
    return name if _ATOM.fullmatch(name) else f'"{escaped}"'


def _value(name: str, text: str) -> str:
    """The value of a header field, encoded if it must be."""
    if len(text) > LONGEST_VALUE or _CONTROL.search(text):
        raise RequestError(400, f"{name} is no line of at most {LONGEST_VALUE:,} characters")
    if text.isascii() and len(text) <= LONGEST_LINE and "=?" not in text:
        return text
    return Header(text, "utf-8", header_name=name).encode(linesep="\r\n")


def _added(given: object) -> list[tuple[str, str]]:
    """The header fields that a request adds."""
    fields = {} if given is None else given
    if not isinstance(fields, dict) or len(fields) > MOST_HEADERS:
        raise RequestError(400, f"Headers is no object with at most {MOST_HEADERS} fields")
    found = []
    for name, value in fields.items():
        if not _NAME.fullmatch(name):
            raise RequestError(400, f"Headers: this is no name of a field: {name[:80]!r}")
        if name.lower() in _OWN or name.lower().startswith("content-"):
            raise RequestError(400, f'cannot overwrite header: "{name}"')
        if not isinstance(value, str) or not is_sound(value):
            raise RequestError(400, f"Headers: {name} is no text")
        found.append((name, _value(name, value)))
    return found


def _files(given: object) -> list[_File]:
    files = [] if given is None else given
    if not isinstance(files, list) or len(files) > MOST_ATTACHMENTS:
        raise RequestError(400, f"Attachments is no list of at most {MOST_ATTACHMENTS}")
    return [_file(_lowered(each, "Attachments")) for each in files]


def _file(fields: dict[str, Any]) -> _File:
    name = text_of(fields, "filename").strip()
    if len(name) > LONGEST_NAME or _CONTROL.search(name):
        raise RequestError(400, f"invalid file name: {name[:80]!r}")
    content_id = text_of(fields, "contentid").strip("<> ")
    if content_id and not _CONTENT_ID.fullmatch(content_id):
        raise RequestError(400, f"invalid ContentID: {content_id[:80]!r}")
    try:
        # A page reads a file as a data URL: data:image/png;base64,...
        octets = base64.b64decode("".join(text_of(fields, "content").rpartition(",")[2].split()), validate=True)
    except (binascii.Error, ValueError):
        raise RequestError(400, f'the content of "{name[:80]}" is no base64') from None
    type = text_of(fields, "contenttype").strip() or _TYPES.guess_type(name)[0] or "application/octet-stream"
    match = _TYPE.fullmatch(type.partition(";")[0].strip())
    if not match:
        raise RequestError(400, f"invalid ContentType: {type[:80]!r}")
    main, sub = match[1].lower(), match[2].lower()
    return _File(
        octets, ("application", "octet-stream") if main in ("multipart", "message") else (main, sub), name, content_id
    )
