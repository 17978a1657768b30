"""What Mailpit's API tells of the server."""

from ...kit.web_server import WebServer, mail


def test_the_server_tells_of_itself(server: WebServer) -> None:
    ids = [server.add(mail(number=n), name) for n, name in enumerate(("ana", "ana", "bob"))]
    server.ask("PUT", "/api/v1/tags", {"IDs": ids[:2], "Tags": ["one", "it's"]})
    server.call(lambda: server.inbox.copies[2].tags.append('by another "program" \\'))
    server.get("/api/v1/message/latest")
    assert server.get("/api/v1/info").json == {
        "Version": "1.2.3",
        "LatestVersion": "disabled",
        "Database": "index",
        "DatabaseSize": 4096,
        "Messages": 3,
        "Unread": 2,
        "Tags": {"one": 2, "it's": 2, 'by another "program" \\': 1},
        "RuntimeStats": {
            "Uptime": 17,
            "Memory": 1 << 20,
            "MessagesDeleted": 3,
            "SMTPAccepted": 5,
            "SMTPAcceptedSize": 999,
            "SMTPRejected": 2,
            "SMTPIgnored": 0,
        },
    }
    own = server.get("/mailbox/ana/api/v1/info").json
    assert (own["Messages"], own["Unread"], own["Tags"]) == (2, 2, {"one": 2, "it's": 2})


def test_what_is_off_says_so(server: WebServer) -> None:
    settings = server.get("/api/v1/webui").json
    assert settings["MessageRelay"]["Enabled"] is settings["ChaosEnabled"] is settings["SpamAssassin"] is False
    assert settings["Label"] == ""
    for heard in (server.get("/api/v1/chaos"), server.ask("PUT", "/api/v1/chaos", {})):
        assert (heard.status, heard.text.strip()) == (400, "Chaos is not enabled")
