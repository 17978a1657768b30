"""Style and scripts: small, packed, and kept for good; and nothing that a page loads is left out."""

import gzip
import re

import pytest

from web.pages.assets import ASSETS, HASH

from .world import mail, world


def test_the_first_load_is_small_and_the_second_loads_the_page_alone() -> None:
    with world() as here:
        for number in range(60):
            here.add(mail(f"Mail {number}", "Words, and more words. " * 20))
        page = here.ask("/", Accept_Encoding="gzip")
        assert page.fields["content-encoding"] == "gzip"
        loaded = re.findall(r'(?:href|src)="(/static/[^"]+)"', gzip.decompress(page.body).decode())
        answers = [here.ask(address, Accept_Encoding="gzip") for address in loaded]
        assert 1 + len(answers) <= 6, "and the stream makes six"
        assert len(page.body) + sum(len(answer.body) for answer in answers) < 60_000
        assert all("immutable" in answer.fields["cache-control"] for answer in answers)


@pytest.mark.parametrize("name", sorted(ASSETS))
def test_each_file_comes_packed_or_not(name: str) -> None:
    with world() as here:
        plain = here.ask(f"/static/{HASH}/{name}")
        packed = here.ask(f"/static/{HASH}/{name}", Accept_Encoding="gzip, br")
        assert (
            plain.body == gzip.decompress(packed.body) == ASSETS[name].octets and packed.fields["vary"] == "Accept-Encoding"
        )
        assert plain.fields["content-type"].startswith(("text/css", "text/javascript"))
        assert here.ask(f"/static/{HASH}/{name}", If_None_Match=plain.fields["etag"]).status == 304


def test_no_other_file_is_served() -> None:
    with world() as here:
        for path in (
            f"/static/{HASH}/assets.py",
            f"/static/{HASH}/..%2fassets.py",
            "/static/0/page.css",
            f"/static/{HASH}/",
        ):
            assert here.ask(path).status == 404


def test_scripts_and_style_name_nothing_outside() -> None:
    for name, asset in ASSETS.items():
        text = asset.octets.decode()
        assert not re.search(r"https?://|//[\w-]+\.\w", text), name
        assert text.count("\n") <= 400
        assert all(target in ASSETS for target in re.findall(r'(?:from|import\() ?"\./([^"]+)"', text))
        assert not re.search(r"innerHTML\s*=|outerHTML\s*=|insertAdjacentHTML|document\.write|eval\(", text), name
