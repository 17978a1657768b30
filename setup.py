"""Packaging: the rooms are installed as one namespace, so that no general name like `protocol` is taken."""

import re
from pathlib import Path

from setuptools import setup

HERE = Path(__file__).resolve().parent
VERSION = re.search(r'^VERSION = "(.+)"$', (HERE / "service" / "__init__.py").read_text(), re.MULTILINE)
ROOMS = ("reactor", "protocol", "storage", "inbox", "web", "conformance", "service")
AUTH = ["argon2-cffi>=23.1", "bcrypt>=4.1"]
METRICS = ["h11>=0.14", "prometheus-client>=0.14"]
POSTGRES = ["psycopg>=3.2"]
WEB = [*METRICS, "jinja2>=3.1", "nh3>=0.2.15"]
CLIENTS = ["mailhog==0.1.1", "mailpit-api-client==1.0.0"]
"""Clients of the web side, as they are published: tests use them unchanged."""


def packages() -> list[str]:
    """The rooms, and the rooms in them, by their dotted names."""
    found = (init.parent.relative_to(HERE) for room in ROOMS for init in (HERE / room).rglob("__init__.py"))
    return sorted(".".join(path.parts) for path in found)


assert VERSION, "service/ names the version"

setup(
    name="carteiro",
    version=VERSION[1],
    description="A mail server whose whole dialogue stands in one table",
    long_description=(HERE / "README.md").read_text(),
    long_description_content_type="text/markdown",
    license="MIT",
    python_requires=">=3.11",
    packages=[f"carteiro.{package}" for package in packages()],
    package_data={"carteiro.web.pages": ["static/*", "templates/*"], "carteiro.conformance": ["dialogues/*.txt"]},
    package_dir={f"carteiro.{room}": room for room in ROOMS},
    scripts=["bin/smtpd", "bin/smtpc", "bin/smtpcount", "bin/smtpcheck"],
    extras_require={
        "auth": AUTH,
        "metrics": METRICS,
        "web": WEB,
        "postgres": POSTGRES,
        "dev": [
            "aiosmtpd>=1.4.6",
            *AUTH,
            *WEB,
            *CLIENTS,
            "cryptography>=42",
            "hypothesis>=6.100",
            "mypy>=1.11",
            "playwright>=1.40",
            "psycopg[binary]>=3.2",
            "pytest>=8",
            "pytest-cov>=5",
            "pytest-xdist>=3.6",
            "ruff>=0.6",
            "schemathesis>=4.32",
            "setuptools>=70.1",
            "tlslite-ng>=0.8.2",
            "types-setuptools",
        ],
        "bench": ["aiosmtpd>=1.4.6", "tlslite-ng>=0.8.2"],
    },
)
