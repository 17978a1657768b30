"""Haraka as a peer: one process that relays, syncs a queue file before its 250, and does not deliver.

The program `haraka` must be on the path.
"""

import subprocess
from pathlib import Path

from bench.load import HOST, find_program
from bench.peers import START_LIMIT, Counter, Peer, PeerError

FILES = {
    "smtp.ini": "listen={host}:{port}\nnodes=0\n",
    "plugins": "relay\n",
    "relay.ini": "[relay]\nacl=true\n",
    "relay_acl_allow": f"{HOST}/32\n",
    # Haraka looks at each message in delivery once a second, so let it try only one.
    "outbound.ini": "disabled=true\nconcurrency_max=1\n",
    "log.ini": "[main]\nlevel=warn\nformat=default\n",
    "me": "peer.example\n",
}
"""The differences from the configuration that `haraka --install` creates."""


def _command(directory: Path, port: int) -> list[str]:
    program = find_program("haraka") or "haraka"
    place = directory / "haraka"
    try:
        subprocess.run([program, "--install", place], check=True, capture_output=True, timeout=START_LIMIT)
    except subprocess.SubprocessError as error:
        raise PeerError(f"Haraka was not set up: {error}") from error
    for name, text in FILES.items():
        (place / "config" / name).write_text(text.format(host=HOST, port=port))
    (place / "queue").mkdir(exist_ok=True)
    return [program, "--configs", str(place)]


def _in_queue(directory: Path) -> Counter:
    queue = directory / "haraka" / "queue"
    return lambda: sum(1 for path in queue.iterdir() if not path.name.startswith("__tmp__"))


HELD = Peer("Haraka, mail on hold", _command, _in_queue)
"""Haraka syncs the queue file, but not the directory into which it renames it."""


def is_here() -> bool:
    """Whether Haraka is installed."""
    return find_program("haraka") is not None
