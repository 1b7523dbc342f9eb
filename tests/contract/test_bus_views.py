"""A compacted topic as a dictionary: on the in-process broker and on a real Apache Kafka."""

from __future__ import annotations

from ipcc.bus import Message, Publisher, View
from ipcc.contracts.call import PhoneChanged
from ipcc.contracts.topics import PHONE
from ipcc.tasks import Tasks
from tests.support.bus_rig import Rig
from tests.support.until import until


class TestEveryView:
    """A compacted topic as a dictionary."""

    async def test_it_has_the_last_word_of_every_key_and_hears_each_change(self, rig: Rig, tasks: Tasks) -> None:
        bus = await rig.bus([PHONE])
        publisher = Publisher(bus, "test/0", rig.clock)
        for registered in (True, False, True):
            await publisher.publish(PhoneChanged(phone_id="1001", registered=registered))
        await publisher.publish(PhoneChanged(phone_id="1002", registered=True))
        await publisher.forget(PhoneChanged(phone_id="1002", registered=False))
        view = View(bus, PHONE, rig.clock)
        changes: list[tuple[str, bool]] = []
        view.on_change(lambda key, event: changes.append((key, event is not None)))
        tasks.spawn("view", view.run)
        await view.ready(10)
        assert {key: event.data for key, event in view.items()} == {
            "1001": PhoneChanged(phone_id="1001", registered=True)
        }
        await publisher.publish(PhoneChanged(phone_id="1003", registered=True))
        await until(lambda: "1003" in view)
        await publisher.forget(PhoneChanged(phone_id="1001", registered=False))
        await until(lambda: "1001" not in view)
        assert changes[-2:] == [("1003", True), ("1001", False)]

    async def test_what_cannot_be_read_is_counted_and_the_last_good_word_kept(self, rig: Rig, tasks: Tasks) -> None:
        bus = await rig.bus([PHONE])
        await Publisher(bus, "test/0", rig.clock).publish(PhoneChanged(phone_id="1001", registered=True))
        await bus.send(Message(PHONE.name, "1001", b"?"))
        view = View(bus, PHONE, rig.clock)
        tasks.spawn("view", view.run)
        await view.ready(10)
        assert (view.unreadable, "1001" in view) == (1, True)
        assert view.stale.keys() == {"1001"}
        assert "1001: its last good version is in force" in (view.problem() or "")
        await Publisher(bus, "test/0", rig.clock).publish(PhoneChanged(phone_id="1001", registered=False))
        await until(lambda: view.problem() is None, what="a good word came")

    async def test_what_never_could_be_read_is_kept_as_far_as_it_is_understood(self, rig: Rig, tasks: Tasks) -> None:
        bus = await rig.bus([PHONE])
        publisher = Publisher(bus, "test/0", rig.clock)
        event = publisher.event(PhoneChanged(phone_id="1001", registered=False))
        for number in (b"1", b"2"):
            await bus.send(Message(PHONE.name, "1001", number))
        await bus.send(Message(PHONE.name, "1002", b"?"))
        view = View(bus, PHONE, rig.clock, lambda raw: event if raw != b"?" else None)
        tasks.spawn("view", view.run)
        await view.ready(10)
        assert dict(view) == {"1001": event}
        told = view.problem() or ""
        assert "1001: a part is in force" in told
        assert "1002: nothing is in force" in told
