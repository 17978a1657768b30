"""Installed, all programs run from anywhere, and no general package name is taken."""

import subprocess
import sys
import venv
from pathlib import Path

from ..kit.support import ROOT, copy_of_sources
from .test_layering import MODULES


def run(*command: object) -> str:
    return subprocess.run([str(word) for word in command], check=True, capture_output=True, text=True, timeout=120).stdout


def test_a_wheel_runs_in_an_environment_of_its_own(tmp_path: Path) -> None:
    source = tmp_path / "source"
    copy_of_sources(source)
    build = ("-m", "pip", "wheel", "--quiet", "--no-build-isolation", "--no-deps", "--no-index")
    run(sys.executable, *build, "--wheel-dir", tmp_path, source)
    (wheel,) = tmp_path.glob("carteiro-*.whl")
    venv.create(tmp_path / "venv")
    programs = tmp_path / "venv" / "bin"
    install = ("install", "--quiet", "--no-index", "--no-compile", "--disable-pip-version-check")
    run(sys.executable, "-m", "pip", "--python", programs / "python", *install, wheel)
    (tmp_path / "users.txt").write_text("johndoe\n")
    assert run(programs / "smtpd", "--version") == run(sys.executable, ROOT / "bin" / "smtpd", "--version")
    assert run(programs / "smtpd", "--table").startswith(" ")
    for program in ("smtpc", "smtpcount", "smtpcheck"):
        assert run(programs / program, "--help").startswith(f"usage: {program} ")
    assert "5321-4.1.4-hello-again" in run(programs / "smtpcheck", "--list")
    installed = {path.relative_to(site) for site in sites(tmp_path) for path in (site / "carteiro").rglob("*.py")}
    assert {path.relative_to("carteiro") for path in installed} == {path.relative_to(ROOT) for path in MODULES}
    beside = {path.name for site in sites(tmp_path) for path in (site / "carteiro" / "web" / "pages").glob("*/*.*")}
    ours = {path.name for path in (ROOT / "web" / "pages").glob("*/*.*") if path.parent.name != "__pycache__"}
    assert ours - beside == set() and "page.css" in beside
    names = {path.name for site in sites(tmp_path) for path in site.iterdir()}
    rooms = {path.name for path in ROOT.iterdir() if path.is_dir()}
    assert {"protocol", "reactor", "storage", "service", "bench", "tests"} <= rooms and not names & rooms


def sites(directory: Path) -> list[Path]:
    """Where packages are in the environment."""
    return [*(directory / "venv" / "lib").glob("python*/site-packages")]
