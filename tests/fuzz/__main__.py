"""Fuzzes for a while: `python -m tests.fuzz --seconds 3600`, all targets in turns, or those that are named.

Needs atheris (`pip install atheris`), which tries what reaches new code. What it came to is kept in finds/, one line each:
short inputs that reach all that was reached, and what made a target fail.
"""

import argparse
import logging
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

from .finds import keep, kept

FAILED = "failed-"
ONE = "--one"
HERE = Path(__file__).resolve().parent


def main() -> None:
    """Each target in a process of its own: libFuzzer ends the one that it runs in."""
    if sys.argv[1:2] == [ONE]:
        fuzz(sys.argv[2], sys.argv[3:])
        return
    options = arguments()
    if find_spec("atheris") is None:
        sys.exit("tests.fuzz: atheris is missing: pip install atheris")
    from .targets import TARGETS

    names = options.targets or list(TARGETS)
    has_failed = [name for name in names if not explore(name, options.seconds // len(names))]
    if has_failed:
        sys.exit(f"failed: {', '.join(has_failed)}: see the lines above, and tests/fuzz/finds")


def arguments() -> argparse.Namespace:
    """What was asked for."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description="Fuzzes what reads octets from outside.")
    parser.add_argument("targets", nargs="*", help="some of the targets in tests/fuzz/targets.py (default: all)")
    parser.add_argument("--seconds", type=int, default=3600, help="for all together (default: %(default)s)")
    return parser.parse_args()


def fuzz(name: str, libfuzzer: list[str]) -> None:
    """One target, by libFuzzer, with what it takes."""
    import atheris  # type: ignore[import-untyped, import-not-found, unused-ignore]

    logging.disable()
    with atheris.instrument_imports(include=["protocol", "reactor", "storage", "inbox"]):
        from .targets import TARGETS
    atheris.Setup([sys.argv[0], *libfuzzer], TARGETS[name])
    atheris.Fuzz()


def explore(name: str, seconds: int) -> bool:
    """From what is kept on; whether it held."""
    from .reach import further  # which imports what is fuzzed: not before atheris can look into it

    before = kept(name)
    with tempfile.TemporaryDirectory() as place:
        here = Path(place)
        old, new = here / "old", here / "new"
        for directory in (old, new):
            directory.mkdir()
        for number, data in enumerate(before):
            (old / str(number)).write_bytes(data)
        command = [sys.executable, "-m", "tests.fuzz", ONE, name, f"-artifact_prefix={here}/{FAILED}"]
        print(f"{name}: {seconds} s", flush=True)
        limits = [f"-max_total_time={seconds}", "-max_len=4096", "-timeout=20", "-rss_limit_mb=2048"]
        words = f"-dict={HERE}/words.dict"
        done = subprocess.run([*command, *limits, words, str(new), str(old)], check=False)
        failed = [file.read_bytes() for file in here.glob(f"{FAILED}*")]
        keep(name, [*before, *failed, *further(name, before, [file.read_bytes() for file in new.iterdir()])])
        print(f"{name}: {'held' if done.returncode == 0 else 'FAILED'}, {len(kept(name))} kept", flush=True)
        return done.returncode == 0


if __name__ == "__main__":
    main()
