"""Style and scripts: read once, packed once, and named by their content, so that browsers keep them for good.

Knows nothing about pages.
"""

import gzip
import hashlib
from pathlib import Path
from typing import NamedTuple

from ..request import Request
from ..response import Reply, Response, refusal

_TYPES = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8"}
_HERE = Path(__file__).resolve().parent / "static"


class Asset(NamedTuple):
    """A file, as it is and packed."""

    octets: bytes
    packed: bytes
    type: str


def _read() -> dict[str, Asset]:
    files = sorted(path for path in _HERE.iterdir() if path.suffix in _TYPES)
    return {
        path.name: Asset(octets := path.read_bytes(), gzip.compress(octets, 9, mtime=0), _TYPES[path.suffix])
        for path in files
    }


ASSETS = _read()
HASH = hashlib.sha256(b"".join(name.encode() + asset.octets for name, asset in ASSETS.items())).hexdigest()[:12]
"""Stands in the addresses of all of them: modules import one another by relative names."""

_FIELDS = (
    ("Cache-Control", "public, max-age=31536000, immutable"),
    ("ETag", f'"{HASH}"'),
    ("Vary", "Accept-Encoding"),
    ("X-Content-Type-Options", "nosniff"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
)


def show(request: Request, reply: Reply) -> None:
    """Answers with the file `name` of the set `hash`."""
    asset = ASSETS.get(request.parameters["name"])
    if asset is None or request.parameters["hash"] != HASH:
        reply.respond(refusal(404))
    elif f'"{HASH}"' in request.fields.get("if-none-match", ""):
        reply.respond(Response(status=304, fields=_FIELDS))
    elif "gzip" in request.fields.get("accept-encoding", ""):
        reply.respond(Response(asset.packed, asset.type, fields=(*_FIELDS, ("Content-Encoding", "gzip"))))
    else:
        reply.respond(Response(asset.octets, asset.type, fields=_FIELDS))
