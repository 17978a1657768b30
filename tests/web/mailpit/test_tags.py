"""Tags over Mailpit's API."""

import pytest

from ...kit.web_server import WebServer, mail


def add(server: WebServer) -> list[str]:
    return [server.add(mail(number=n), name) for n, name in enumerate(("ana", "bob"))]


def test_messages_get_tags_in_place_of_theirs(server: WebServer) -> None:
    ids = add(server)
    heard = server.ask("PUT", "/api/v1/tags", {"IDs": ids, "Tags": ["one", " Tag  2 ", "one"]})
    assert (heard.status, heard.body) == (200, b"ok")
    assert server.get("/api/v1/tags").json == server.get("/api/v1/messages").json["tags"] == ["Tag 2", "one"]
    server.ask("PUT", "/api/v1/tags", {"IDs": ids[:1], "Tags": ["\u00fcber"]})
    assert server.get("/api/v1/tags").json == ["Tag 2", "one", "\u00fcber"]
    assert [row["Tags"] for row in server.get("/api/v1/messages").json["messages"]] == [["Tag 2", "one"], ["\u00fcber"]]
    assert server.get("/api/v1/search?query=tag:one").json["messages_count"] == 1
    server.ask("PUT", "/api/v1/tags", {"IDs": ids})
    assert server.get("/api/v1/tags").json == []
    assert server.ask("PUT", "/api/v1/tags", {"Tags": ["x"]}).body == b"ok"


def test_a_tag_is_renamed_and_taken_away(server: WebServer) -> None:
    ids = add(server)
    server.ask("PUT", "/api/v1/tags", {"IDs": ids, "Tags": ["one two"]})
    assert server.ask("PUT", "/api/v1/tags/one%20two", {"Name": "three"}).body == b"ok"
    assert server.get("/api/v1/tags").json == ["three"]
    assert server.ask("PUT", "/api/v1/tags/one%20two", {"Name": "three"}).status == 404
    assert server.ask("DELETE", "/api/v1/tags/three").body == b"ok"
    assert server.ask("DELETE", "/api/v1/tags/three").status == 404
    assert server.get("/api/v1/tags").json == []


@pytest.mark.parametrize("tag", ["", " ", "a" * 101, "a,b", 'a"b', "a\\b", "a\x00", "a\u202eb", "\ud800"])
def test_what_is_no_tag_is_explained(server: WebServer, tag: str) -> None:
    ids = add(server)
    assert server.ask("PUT", "/api/v1/tags", {"IDs": ids, "Tags": [tag]}).status == 400
    server.ask("PUT", "/api/v1/tags", {"IDs": ids, "Tags": ["x"]})
    assert server.ask("PUT", "/api/v1/tags/x", {"Name": tag}).status == 400
    assert server.ask("PUT", "/api/v1/tags", {"IDs": ids, "Tags": [f"t{n}" for n in range(101)]}).status == 400
    assert server.get("/api/v1/tags").json == ["x"]


def test_in_the_sight_of_a_mailbox_there_are_its_tags(server: WebServer) -> None:
    ids = add(server)
    server.ask("PUT", "/mailbox/ana/api/v1/tags", {"IDs": ids, "Tags": ["x"]})
    server.ask("PUT", "/mailbox/bob/api/v1/tags", {"IDs": ids, "Tags": ["y"]})
    assert server.get("/mailbox/ana/api/v1/tags").json == ["x"] and server.get("/api/v1/tags").json == ["x", "y"]
    assert server.ask("DELETE", "/mailbox/ana/api/v1/tags/y").status == 404
    assert server.ask("PUT", "/mailbox/bob/api/v1/tags/y", {"Name": "z"}).status == 200
    assert server.get("/api/v1/tags").json == ["x", "z"]
