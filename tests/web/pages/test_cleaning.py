"""Cleaning: what is taken away, what stays, and that it does not take long."""

import time

import pytest

from web.contract import Part
from web.mail_content import linked
from web.pages.cleaning import MOST_ADDRESSES, as_sent, cleaned, may_be_cleaned, wants_remote

from .world import MAILS


def clean(source: str) -> str:
    """What is in the body of the document."""
    return cleaned(source, "x").partition("<body dir=auto>")[2]


@pytest.mark.parametrize(
    "source",
    [
        "<script>alert(1)</script>", "<p onclick=alert(1)>x</p>", "<iframe src=x></iframe>", "<form action=x><input></form>",
        "<meta http-equiv=refresh content=0>", "<base href=//evil>", "<object data=x></object>", "<embed src=x>",
        '<a href="javascript:alert(1)">x</a>', '<a href=" java\tscript:alert(1)">x</a>', '<a href="data:text/html,x">x</a>',
        '<a href="vbscript:x">x</a>', "<img src=x onerror=alert(1)>", "<link rel=stylesheet href=//evil>",
        "<svg/onload=alert(1)>",
        '<noscript><p title="</noscript><img src=x onerror=alert(1)>"></noscript>', '<img src="/api/v1/message/latest">',
        '<a href="blob:x">x</a>', '<a href="//evil.example/">x</a>',
        '<math><mtext><style><img src=x onerror=alert(1)></style>',
    ],
)  # fmt: skip
def test_what_would_do_something_goes(source: str) -> None:
    found = clean(source).lower()
    gone = (
        "<script",
        "onclick",
        "onerror",
        "onload",
        "<iframe",
        "<form",
        "<input",
        "<meta",
        "<base",
        "<object",
        "<embed",
        "<link",
    )
    assert not [
        word for word in (*gone, "javascript:", "vbscript:", "data:", "blob:", 'src="', 'href="', "<svg") if word in found
    ]


@pytest.mark.parametrize(
    "kept",
    [
        "<style>.a{color:red}</style>",
        '<p style="color:red;margin:0" class="a" id="b">x</p>', '<td bgcolor="#fff" width="10"',
        '<font color="red" face="x">', '<img src="https://a.example/x.png" alt="x">', "<center>", "<h1>", "<blockquote>",
    ],
)  # fmt: skip
def test_what_only_looks_stays(kept: str) -> None:
    inside = f"<table><tr>{kept}>x</td></tr></table>" if kept.startswith("<td") else kept
    assert kept in clean(inside)


def test_links_of_any_program_stay_and_open_beside_the_page() -> None:
    for address in ("https://a.example/", "mailto:a@b", "myapp://open?x=1"):
        assert f'href="{address}"' in clean(f'<a href="{address}" target=_top>x</a>')
    assert 'target="_blank"' in clean('<a href="https://a" target=_top>x</a>') and "_top" not in clean(
        "<a target=_top>x</a>"
    )


def test_pictures_are_found_after_it() -> None:
    part: Part = {
        "PartID": "2",
        "FileName": "",
        "ContentType": "image/png",
        "ContentID": "a@b c",
        "Size": 1,
        "Checksums": {"MD5": "", "SHA1": "", "SHA256": ""},
    }
    sent = "<img src=cid:a@b%20c><p style=\"background:url('cid:a@b%20c')\" background=CID:a@b%20c>"
    found = linked(clean(sent + "<p style='background:url(\"cid:a@b%20c\")'>"), [part], lambda id: f"/part/{id}")
    assert found.count("/part/2") == 4 and "cid:" not in found.lower()


def test_what_comes_from_elsewhere_is_noticed() -> None:
    for source in (
        "<img src=http://x>",
        '<img src="//x">',
        "url('https://x')",
        "<link rel=x href='https://x'>",
        "@import 'http://x'",
    ):
        assert wants_remote(source)
    for source in ('<a href="https://x">', '<img src="cid:x">', '<img src="data:x">', "https://x", "<link><b href=//x>"):
        assert not wants_remote(source)
    few = "// " * (MOST_ADDRESSES - 1)
    assert not wants_remote(few) and wants_remote(few + "<img src=//x>")
    assert wants_remote(few + "// // "), "nobody has looked through all"


def test_as_sent_keeps_all_but_what_connects() -> None:
    sent = as_sent("<!DOCTYPE html><p onclick=x><img src=cid:a>")
    assert sent == '<!DOCTYPE html><base target="_blank"><p onclick=x><img src=cid:a>'
    assert as_sent("<LINK\nrel=preconnect href=x><linked>") == (
        '<base target="_blank"><LINK rel="left-out"\nrel=preconnect href=x><linked>'
    )
    assert as_sent("<p><iframe src=x srcdoc=y><frame/src=x>") == (
        '<base target="_blank"><p><iframe srcdoc="" src=x srcdoc=y><frame src="about:blank"/src=x>'
    )
    assert "left-out" not in as_sent("<link rel=stylesheet href=x>", has_remote=True)


@pytest.mark.parametrize(
    "source",
    [
        "<div>" * 100_000, "<b a=1><i b=2>" * 20_000, "<table><tr><td>" * 20_000, "<div><table></div></table>" * 20_000,
        "<a href=x>" * 30_000, "<style>" + "url(" * 100_000, "<" * 500_000, "<!--" * 100_000, "<svg>" * 40_000,
        "".join(f"<b a={number}>" for number in range(300)) + "<p>" * 3_000, "x" * 600_000, "<p " + "a=1 " * 60_000 + ">",
        "<p " + " ".join(f"a{number}=1" for number in range(50_000)) + ">",
    ],
    ids=lambda source: source[:12],
)  # fmt: skip
def test_no_mail_takes_long(source: str) -> None:
    began = time.process_time()
    if may_be_cleaned(source):
        clean(source)
    wants_remote(source)
    assert time.process_time() - began < 3, "about a second of this is a busy machine's"


def test_usual_mails_are_cleaned() -> None:
    assert all(may_be_cleaned(path.read_text("latin-1")) for path in MAILS.glob("*.eml"))
    row = '<tr><td style="padding:0"><table><tr><td><div><p><a href="https://x"><img src="https://x/1.png"></a></p></div></td></tr></table>'
    assert may_be_cleaned("<table>" * 12 + f"{row}</td></tr>" * 1_200 + "</table>" * 12)
