"""A name for a file is a proposal that can do no harm."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inbox.mime.filenames import LONGEST, file_name


@pytest.mark.parametrize(
    ("proposed", "name"),
    [
        ("relatório de novembro.docx", "relatório de novembro.docx"),
        ("../../../etc/cron.d/x", "x"),
        ("C:\\temp\\new.txt", "new.txt"),
        ('a"b\r\n<img src=x>.svg', "abimg src=x.svg"),
        ("..", ""),
        (".bashrc", "bashrc"),
        ("dir/", ""),
        ("annexe\u202etxt.exe", "annexetxt.exe"),
        ("  blanks.txt ", "blanks.txt"),
        ("Re: report.eml", "Re: report.eml"),
        ("x" * 300 + ".pdf", "x" * (LONGEST - 4) + ".pdf"),
        ("x" * 300, "x" * LONGEST),
    ],
)
def test_a_name_is_a_component(proposed: str, name: str) -> None:
    assert file_name(proposed) == name


@given(proposed=st.text())
def test_no_name_leads_elsewhere(proposed: str) -> None:
    name = file_name(proposed)
    assert not set(name) & set('/\\"<>\0\r\n\x1b\u202e') and name not in (".", "..") and len(name) <= LONGEST
    assert not name.startswith(".")
