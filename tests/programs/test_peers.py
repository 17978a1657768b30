"""smtpcheck and other servers, as they are published: what it finds is what a baseline in the repository has.

A baseline is made anew by `bin/smtpcheck ... --discreet --write-baseline`: what breaks a MUST and harms clients is in none.
"""

import re
from pathlib import Path

import pytest

from ..kit.peers.known import PEERS
from ..kit.peers.running import Peer, smtpcheck, started

BASELINES = Path(__file__).parent / "baselines"


@pytest.mark.parametrize("peer", PEERS, ids=lambda peer: peer.name)
def test_a_peer_does_what_its_baseline_says(peer: Peer, tmp_path: Path) -> None:
    with started(peer, tmp_path) as address:
        done = smtpcheck(address, *peer.flags, "--baseline", BASELINES / f"{peer.name}.txt")
    assert done.returncode == 0, done.stdout + done.stderr
    assert " right, " in done.stdout.splitlines()[-1]


@pytest.mark.parametrize("file", sorted(BASELINES.iterdir()), ids=lambda file: file.name)
def test_no_baseline_tells_what_is_grave(file: Path) -> None:
    assert not re.search("danger|MUST, stops", file.read_text())
