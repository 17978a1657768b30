"""The description of the API is true: its paths and methods are those of the table, and answers are as it says."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from web.api.openapi import description
from web.routing import Access

from ...kit.web_server import WebServer, mail

EXAMPLES = 6
"""Of each route: in a number of seconds, a busy machine would try none."""

SETTINGS = """
[checks.negative_data_rejection]
expected-statuses = [400, 401, 403, 404, 405, 413, 421, 431]

[[operations]]
include-path = "/api/wait"
parameters = { timeout = 0 }
"""


def test_paths_and_methods_are_those_of_the_table(server: WebServer) -> None:
    described = server.get("/api/openapi.json").json
    assert described["openapi"] == "3.1.0" and described["info"]["version"] == "1.2.3"
    rows = {(route.method, route.path) for route in server.routes}
    assert {(method.upper(), path) for path, methods in described["paths"].items() for method in methods} == rows
    operations = [operation for methods in described["paths"].values() for operation in methods.values()]
    names = [operation["operationId"] for operation in operations]
    assert len(set(names)) == len(names) == len(rows)


def test_parameters_of_paths_are_those_of_the_table(server: WebServer) -> None:
    for path, methods in server.get("/api/openapi.json").json["paths"].items():
        for operation in methods.values():
            named = [parameter["name"] for parameter in operation["parameters"] if parameter["in"] == "path"]
            assert named == re.findall(r"\{(\w+)\}", path)


def test_each_reference_leads_somewhere_and_each_component_is_used(server: WebServer) -> None:
    heard = server.get("/api/openapi.json")
    used = set(re.findall(r'"#/components/schemas/(\w+)"', heard.text))
    assert used == set(heard.json["components"]["schemas"])


def test_what_is_guarded_says_so(server: WebServer) -> None:
    described = server.get("/api/openapi.json").json["paths"]
    for route in server.routes:
        is_guarded = route.access in (Access.CHANGING, Access.STREAMING)
        assert ("403" in described[route.path][route.method.lower()]["responses"]) == is_guarded


def test_mailpits_part_stands_where_mailpit_has_it(server: WebServer) -> None:
    described = server.get("/mailbox/ana/api/v1/swagger.json").json
    assert described["servers"] == [{"url": "/mailbox/ana"}]
    assert "/api/v1/send" in described["paths"] and "/api/wait" not in described["paths"]
    assert "/api/v2/messages" not in described["paths"]


def test_a_route_that_says_nothing_is_no_part_of_it(server: WebServer) -> None:
    assert description([route._replace(about=None) for route in server.routes], "1")["paths"] == {}


def test_programs_find_no_difference(server: WebServer, tmp_path: Path) -> None:
    """schemathesis makes requests out of the description, right and wrong ones, and compares the answers."""
    program = shutil.which("st", path=str(Path(sys.executable).parent))
    if not program:
        pytest.skip("schemathesis is not installed: pip install '.[dev]'")
    server.add(mail(), "johndoe")
    settings = tmp_path / "schemathesis.toml"
    settings.write_text(SETTINGS)
    streams = [word for path in ("/api/stream", "/api/v1/events") for word in ("--exclude-path", path)]
    # No schema says which searches, time zones and addresses make sense.
    checks = ("--exclude-checks", "positive_data_acceptance")
    command = [program, "--config-file", str(settings), "run", server.url + "/api/openapi.json", "--no-color"]
    command += ["--max-examples", str(EXAMPLES), "--generation-database", "none", "--warnings", "off", *checks, *streams]
    ran = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=300)
    assert ran.returncode == 0, "\n".join(line[:300] for line in (ran.stdout + ran.stderr).splitlines())
    tested = re.search(r"Tested: (\d+)", ran.stdout)
    assert tested and int(tested[1]) == len(server.routes) - 3, "all but two streams, and the description itself"
