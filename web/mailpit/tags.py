"""Tags of messages."""

from ..answering import found
from ..contract import Inbox
from ..request import Request, RequestError
from ..response import Reply, data, text
from ..selecting import ids_of, only, text_of, texts_of

LONGEST_TAG = 100
"""Characters."""

MOST_TAGS = 100
"""Tags of a message."""

_ODD = '",\\'
"""Letters that no tag has: a search could not name it."""


class Tags:
    """The actions on tags."""

    def __init__(self, inbox: Inbox) -> None:
        self._inbox = inbox

    def tags(self, request: Request, reply: Reply) -> None:
        """Lists those in use."""
        self._inbox.tags(request.sight, found(reply, lambda tags: reply.respond(data(tags)), 503))

    def tag(self, request: Request, reply: Reply) -> None:
        """Gives messages tags in place of those that they have."""
        form = request.form()
        only(form, "ids", "tags")
        ids, tags = ids_of(form), tags_of(form)
        self._inbox.tag(request.sight, ids, tags, found(reply, lambda _: reply.respond(text("ok")), 503))

    def rename(self, request: Request, reply: Reply) -> None:
        """Renames one."""
        form = request.form()
        only(form, "name")
        self._change(request, reply, tag_of(text_of(form, "name")))

    def delete(self, request: Request, reply: Reply) -> None:
        """Takes one away from all messages."""
        self._change(request, reply, None)

    def _change(self, request: Request, reply: Reply, name: str | None) -> None:
        tag = request.parameters["tag"]

        def changed(count: int) -> None:
            if not count:
                raise RequestError(404, "no message has this tag")
            reply.respond(text("ok"))

        self._inbox.rename_tag(request.sight, tag, name, found(reply, changed, 503))


def tags_of(form: dict[str, object]) -> list[str]:
    """The tags in a body, each once. Raises RequestError for what cannot be one."""
    return list(dict.fromkeys(tag_of(tag) for tag in texts_of(form, "tags", MOST_TAGS)))


def tag_of(text: str) -> str:
    """A tag, without blanks around it. Raises RequestError for what cannot be one."""
    tag = " ".join(text.split())
    if not 0 < len(tag) <= LONGEST_TAG or not tag.isprintable() or any(letter in _ODD for letter in tag):
        raise RequestError(400, f'a tag has 1 to {LONGEST_TAG} printable characters, and none of {_ODD}: "{tag[:40]}"')
    return tag
