"""What an invitation is to, and when."""

from hypothesis import given
from hypothesis import strategies as st

from inbox.mime.invitations import MOST_EVENTS, Event, events

CALENDAR = """BEGIN:VCALENDAR
METHOD:REQUEST
BEGIN:VTIMEZONE
BEGIN:STANDARD
DTSTART:16010101T020000
END:STANDARD
END:VTIMEZONE
BEGIN:VEVENT
UID:1@example.org
DTSTART;TZID="Europe/Lisbon":20261201T140000
DTEND:20261201T160000Z
SUMMARY:Aula de redes\\, SM
 TP
LOCATION;LANGUAGE=pt:Sala 1\\nLisboa
ORGANIZER;CN="Ana: Prado":mailto:ana@example.org
STATUS:CONFIRMED
SUMMARY:another
BEGIN:VALARM
SUMMARY:alarm
END:VALARM
END:VEVENT
BEGIN:VEVENT
DTSTART;VALUE=DATE:20261202
DTEND:soon
END:VEVENT
END:VCALENDAR
"""


def test_the_events_of_a_calendar() -> None:
    first, second = events(CALENDAR)
    assert first == Event(
        method="REQUEST",
        uid="1@example.org",
        summary="Aula de redes, SMTP",
        start="2026-12-01 14:00 Europe/Lisbon",
        end="2026-12-01 16:00 UTC",
        location="Sala 1\nLisboa",
        organizer="mailto:ana@example.org",
        status="CONFIRMED",
    )
    assert second == Event(method="REQUEST", start="2026-12-02", end="soon")


def test_events_are_bounded() -> None:
    assert len(events("BEGIN:VEVENT\nUID:x\nEND:VEVENT\n" * (MOST_EVENTS + 5))) == MOST_EVENTS
    assert events("") == events("no calendar") == ()


LINES = st.sampled_from(
    ["BEGIN:VEVENT", "END:VEVENT", "BEGIN:X", "END:X", "UID:x", "DTSTART;TZID:2026", 'A;B="', " folded", ":", ""]
)


@given(lines=st.lists(st.one_of(LINES, st.text(max_size=20))))
def test_any_text_is_read(lines: list[str]) -> None:
    assert len(events("\n".join(lines))) <= sum("BEGIN" in line.upper() for line in lines) + sum(
        "\n" in line for line in lines
    )
