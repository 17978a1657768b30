"""What is deleted is out of sight at once, then gone from its mailbox, and nothing else with it."""

import shutil
import time

from inbox.index.catalogue import Selected

from .world import World, mail, mark_as_mutt_does


def test_what_is_deleted_is_out_of_sight_and_then_gone(world: World) -> None:
    for number in range(3):
        world.add(mail(number))
    world.work()
    assert len(world.catalogue.delete(None, Selected(query="subject:n1"), 0.0)) == 1
    assert world.subjects() == ["n2", "n0"] and world.counts() == {"ana": (2, 2)}
    assert b"hello 1" in world.octets()
    world.work()
    assert b"hello 1" not in world.octets() and world.octets().count(b"hello") == 2
    world.work()
    assert world.subjects() == ["n2", "n0"]


def test_in_the_sight_of_a_mailbox_only_its_copy_is_deleted(world: World) -> None:
    for name in ("ana", "bob"):
        world.add(b"Delivered-To: %b@x\n" % name.encode() + mail(1), name)
    world.work()
    world.catalogue.delete("bob", Selected(), 0.0)
    world.work()
    assert world.counts() == {"ana": (1, 1), "bob": (0, 0)} and world.subjects() == ["n1"]
    assert world.octets().count(b"hello") == 1


def test_a_deletion_can_be_taken_back_while_it_is_not_due(world: World) -> None:
    world.add(mail(1))
    world.add(mail(2))
    world.work()
    ids = world.catalogue.delete(None, Selected(), 100.0)
    world.work()
    assert world.subjects() == [] and world.octets().count(b"hello") == 2
    assert world.catalogue.restore("bob", ids) == 0, "not his"
    assert world.catalogue.restore(None, ids[:1]) == 1
    world.work()
    assert world.subjects() == ["n2"]
    world.catalogue.delete(None, Selected(), 0.0)
    world.work()
    assert world.catalogue.restore(None, ids) == 1, "the one that was deleted with a delay"
    world.work()
    assert world.subjects() == ["n1"] and world.octets().count(b"hello") == 1


def test_a_deletion_that_is_taken_back_while_the_mailbox_is_read_is_found(world: World) -> None:
    world.add(mail(1))
    world.work()
    ids = world.catalogue.delete(None, Selected(), 100.0)
    reading = world.recorder.read_again("ana")
    list(zip(reading, range(1), strict=False))
    assert world.catalogue.restore(None, ids) == 1
    list(reading)
    assert world.subjects() == []
    world.work()
    assert world.subjects() == ["n1"]


def test_a_deletion_is_taken_back_at_once_in_a_mailbox_that_takes_long_to_read(world: World) -> None:
    world.add(mail(1))
    world.work()
    ids = world.catalogue.delete(None, Selected(), 100.0)
    world.clerk._not_before["ana"] = world.now + 1_000_000
    world.catalogue.restore(None, ids)
    world.work()
    assert world.subjects() == ["n1"]


def test_marks_go_with_what_was_deleted_for_good(world: World) -> None:
    world.add(mail(1))
    world.add(mail(2))
    world.work()
    ids = world.ids()
    world.catalogue.mark(None, Selected(), True)
    world.catalogue.tag(None, ids, ["urgent"])
    world.catalogue.delete(None, Selected(ids[:1]), 0.0)
    world.work()
    world.recorder.bury(time.time() + 1)
    marked = world.recorder._base.execute("SELECT id FROM marks.mark UNION SELECT id FROM marks.tag").fetchall()
    assert marked == [(ids[1],)]


def test_what_is_deleted_stays_deleted_when_the_clerk_is_killed(world: World) -> None:
    world.add(mail(1))
    world.add(mail(2))
    world.work()
    world.catalogue.delete(None, Selected(query="subject:n1"), 0.0)
    world.end()
    world.begin()
    world.work()
    assert world.subjects() == ["n2"] and b"hello 1" not in world.octets()


def test_a_crash_of_the_server_does_not_bring_a_deleted_message_back(world: World) -> None:
    world.add(mail(1))
    world.work()
    world.catalogue.delete(None, Selected(), 0.0)
    world.work()
    assert world.octets() == b""
    world.add(mail(1))  # recovery does not find it in the mailbox, and puts it in again
    world.work()
    world.work()
    assert world.subjects() == [] and world.octets() == b""


def test_what_somebody_copies_back_later_is_shown(world: World) -> None:
    world.add(mail(1))
    world.work()
    world.catalogue.delete(None, Selected(), 0.0)
    world.work()
    world.recorder.bury(time.time() + 1)
    world.add(mail(1))
    world.work()
    assert world.subjects() == ["n1"]


def test_a_deleted_message_that_another_program_has_changed_is_found(mbox: World) -> None:
    mbox.add(mail(1))
    mbox.add(mail(2))
    mbox.work()
    mbox.catalogue.delete(None, Selected(query="subject:n1"), 0.0)
    path = mbox.directory / "ana.txt"
    mark_as_mutt_does(path)
    mbox.rest(path)
    mbox.work()
    mbox.now += 10
    mbox.work()
    assert b"hello 1" not in mbox.octets() and b"hello 2" in mbox.octets()


def test_a_deleted_message_that_is_gone_is_forgotten(world: World) -> None:
    world.add(mail(1))
    world.work()
    world.catalogue.delete(None, Selected(), 0.0)
    shutil.rmtree(world.directory / "ana", ignore_errors=True)
    (world.directory / "ana.txt").unlink(missing_ok=True)
    world.work()
    assert world.recorder.due() == {}
