"""HTML and parts of mail: links, headers, and names of files."""

import time
from email.message import EmailMessage
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from web.contract import Content, Part
from web.mail_content import disposition, document, in_new_windows, linked, part_response


def part(number: str, content_id: str) -> Part:
    return {
        "PartID": number,
        "FileName": "",
        "ContentType": "image/png",
        "ContentID": content_id,
        "Size": 1,
        "Checksums": {"MD5": "", "SHA1": "", "SHA256": ""},
    }


PARTS = [part("2", "a@b"), part("3", 'x"&y'), part("4", "")]


@pytest.mark.parametrize(
    ("html", "wanted"),
    [
        ('<img src="cid:a@b">', '<img src="p2">'),
        ("<img src='CID:a@b'>", "<img src='p2'>"),
        ("<img src=cid:a@b>", "<img src=p2>"),
        ('<img src = "cid:a%40b">', '<img src = "p2">'),
        ("url( 'cid:a@b' )", "url( 'p2' )"),
        ("url(cid:a@b)", "url(p2)"),
        ('<img src="cid:x%22&amp;y">', '<img src="p3">'),
        ('<img src="cid:none">', '<img src="cid:none">'),
        ("cid:a@b", "cid:a@b"),
        ('<a title="see cid:a@b">', '<a title="see cid:a@b">'),
        ('<img src="cid:">', '<img src="cid:">'),
    ],
)
def test_links_to_parts_are_ours(html: str, wanted: str) -> None:
    assert linked(html, PARTS, lambda number: f"p{number}") == wanted
    assert linked(html, [], lambda number: f"p{number}") == html


@pytest.mark.parametrize(
    "text", ["= " * 500_000, "=" + " " * 1_000_000, "url(" * 300_000, "=cid:" * 300_000, "<head " * 200_000]
)
def test_html_of_any_kind_takes_no_time(text: str) -> None:
    began = time.process_time()
    in_new_windows(linked(text, PARTS, str))
    assert time.process_time() - began < 2


@pytest.mark.parametrize(
    ("html", "wanted"),
    [
        ("<p>", '<base target="_blank"><p>'),
        ("<!doctype html><HEAD a=b><p>", '<!doctype html><HEAD a=b><base target="_blank"><p>'),
        ("<header><p>", '<base target="_blank"><header><p>'),
    ],
)
def test_links_open_new_windows(html: str, wanted: str) -> None:
    assert in_new_windows(html) == wanted


def test_a_document_has_no_rights() -> None:
    fields = dict(document("<p>").fields)
    policy = [rule.split() for rule in fields["Content-Security-Policy"].split(";")]
    assert policy[0] == ["sandbox", "allow-popups", "allow-popups-to-escape-sandbox"] and ["default-src", "'none'"] in policy
    assert not any(
        word in fields["Content-Security-Policy"] for word in ("allow-scripts", "allow-same-origin", "script-src")
    )


@pytest.mark.parametrize(
    ("type", "charset", "said", "kind"),
    [
        ("image/png", "", "image/png", "inline"),
        ("image/svg+xml", "", "image/svg+xml", "attachment"),
        ("text/plain", "ISO-8859-1", "text/plain; charset=iso-8859-1", "attachment"),
        ("text/html", "x; y", "text/html", "attachment"),
        ("text/html\r\nx: y", "", "application/octet-stream", "attachment"),
        ("", "", "application/octet-stream", "attachment"),
        ("image/png", "utf-8", "image/png", "inline"),
    ],
)
def test_a_part_says_what_it_is(type: str, charset: str, said: str, kind: str) -> None:
    response = part_response(Content(b"x", type, charset, "n"))
    fields = dict(response.fields)
    assert response.type == said and fields["Content-Disposition"].partition(";")[0] == kind and response.may_be_cut
    assert fields["X-Content-Type-Options"] == "nosniff" and fields["Content-Security-Policy"].startswith("sandbox;")
    saved = part_response(Content(b"x", type, charset, ""), "other", is_saved=True)
    assert dict(saved.fields)["Content-Disposition"] == "attachment; filename*=UTF-8''other"


@given(st.text())
def test_a_file_name_stays_in_its_field(name: str) -> None:
    value = disposition("attachment", name)[1]
    assert value.isascii() and value.isprintable() and '"' not in value
    assert unquote(value.partition("''")[2]) == name.encode("utf-8", "replace").decode()
    if name:
        message = EmailMessage()
        message["Content-Disposition"] = value
        assert message.get_content_disposition() == "attachment"
