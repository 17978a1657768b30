"""Parameters, in pieces and broken, and types that are none."""

from email.message import Message

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inbox.mime.parameters import UNKNOWN_TYPE, media_type, valued

NAME = st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")), min_size=1, max_size=60)


@pytest.mark.parametrize(
    ("field", "value", "parameters"),
    [
        (b"", "", {}),
        (b"Text/Plain; Charset=UTF-8", "text/plain", {"charset": "UTF-8"}),
        (b'a/b; x="y; z"; w=v', "a/b", {"x": "y; z", "w": "v"}),
        (b"a/b; x=1; x=2", "a/b", {"x": "1"}),
        (b'attachment; filename="a\\"b"', "attachment", {"filename": 'a"b'}),
        (b'attachment; filename="C:\\temp\\new.txt"', "attachment", {"filename": "C:\\temp\\new.txt"}),
        (
            b"attachment; filename=with blanks in it.pdf ; size=3",
            "attachment",
            {"filename": "with blanks in it.pdf", "size": "3"},
        ),
        (b'attachment; filename="never closed', "attachment", {"filename": "never closed"}),
        (b'attachment; filename="a.txt" junk; x=y', "attachment", {"filename": "a.txt", "x": "y"}),
        (b"attachment; filename*=utf-8'pt'rela%C3%A7%C3%A3o.txt", "attachment", {"filename": "relação.txt"}),
        (b"attachment; filename*=iso-8859-1''caf%E9; filename=cafe", "attachment", {"filename": "café"}),
        (b"attachment; filename*0*=utf-8''a%C3; filename*1*=%A9; filename*2=b", "attachment", {"filename": "aéb"}),
        (b"attachment; filename*1=b; filename*0=a; filename*3=d", "attachment", {"filename": "ab"}),
        (b"attachment; filename*; name*", "attachment", {}),
        (b"attachment; filename*=''", "attachment", {}),
        (b"attachment; filename==?utf-8?q?caf=C3=A9?=", "attachment", {"filename": "café"}),
        (b'attachment; filename*0="=?utf-8?q?caf"; filename*1="=C3=A9?="', "attachment", {"filename": "café"}),
        (b"a/b; ; ; x = y ;", "a/b", {"x": "y"}),
        (b"a/b; x=", "a/b", {"x": ""}),
        (b"a/b; x*=nonsense''%E9", "a/b", {"x": "é"}),
        (b"a/b; x*=utf-8''a%00b%0Ac", "a/b", {"x": "ab c"}),
    ],
)
def test_a_field_is_a_value_and_parameters(field: bytes, value: str, parameters: dict[str, str]) -> None:
    found = valued(field)
    assert {name: content for name, content in found.parameters.items() if name != "name"} == parameters
    assert found.value == value and found.parameter("nothing") == ""


@pytest.mark.parametrize(
    ("field", "type"),
    [
        (b"", "a/default"),
        (b"; charset=utf-8", "a/default"),
        (b"TEXT/HTML", "text/html"),
        (b"text", "text/plain"),
        (b"text/html x-injected: 1; charset=utf-8", UNKNOWN_TYPE),
        (b"text/html\r\n x: 1", UNKNOWN_TYPE),
        (b"text/", UNKNOWN_TYPE),
        (b"a/b/c", UNKNOWN_TYPE),
        (b"text/<script>", UNKNOWN_TYPE),
        ("text/plaïn".encode(), UNKNOWN_TYPE),
        (b"image/svg+xml", "image/svg+xml"),
    ],
)
def test_a_type_has_a_form(field: bytes, type: str) -> None:
    assert media_type(field, "a/default")[0] == type


@given(name=NAME, charset=st.sampled_from(["utf-8", "utf-16le"]))
def test_names_that_the_standard_library_writes_are_read(name: str, charset: str) -> None:
    message = Message()
    message.add_header("Content-Disposition", "attachment", filename=(charset, "", name))
    assert valued(str(message["Content-Disposition"]).encode()).parameter("filename") == name or "=?" in name


@given(name=NAME, size=st.integers(1, 10))
def test_a_name_in_pieces_is_read(name: str, size: int) -> None:
    octets = name.encode()
    pieces = [octets[at : at + size] for at in range(0, len(octets), size)]
    quoted = ["".join(f"%{octet:02X}" for octet in piece) for piece in pieces]
    field = "attachment" + "".join(
        f"; filename*{number}*={text}" for number, text in enumerate([f"utf-8''{quoted[0]}", *quoted[1:]])
    )
    assert valued(field.encode()).parameter("filename") == name or "=?" in name


@given(field=st.one_of(st.binary(max_size=200), st.text(st.sampled_from("ab;=*\"\\' %0é=?"), max_size=80).map(str.encode)))
def test_any_octets_have_a_type(field: bytes) -> None:
    type, content_type = media_type(field, "text/plain")
    assert "\n" not in type and " " not in type
    "".join([*content_type.parameters, *content_type.parameters.values()]).encode("utf-8")
