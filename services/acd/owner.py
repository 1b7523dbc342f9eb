"""The owner of one routing domain: reads the log, reconciles with the switches, then decides every input, one after the other.

Events are stored, acknowledged, before their effects are carried out. When the broker goes away nothing new is offered, but
an agent who answers is still joined: that offer was stored before his phone rang. Whoever stood still asks whether the domain is
still his before he does anything: the log refuses a former owner, the switch would not.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from datetime import timedelta
from functools import partial

import structlog

from ipcc.bus.port import Fenced
from ipcc.contracts.acd import InputRef
from ipcc.contracts.call import LegAnswered
from ipcc.contracts.topics import CALL, Topic
from ipcc.dialling import is_outside
from ipcc.errors import NotFound, Refused, Unavailable
from ipcc.esl.port import SwitchNode
from ipcc.metrics import ACD_STORE_DURATION
from ipcc.tasks import Tasks
from services.acd.book import Book, Page
from services.acd.consumers import Ears, Input, place_of
from services.acd.core.decision import advance
from services.acd.core.effects import EndLeg, JoinLegs
from services.acd.core.inputs import NodeChanged, TakenOver, TimePassed
from services.acd.core.state import State
from services.acd.journal import begin
from services.acd.log import AcdLog, LogWriter
from services.acd.replies import send_reply
from services.acd.sight import Sight
from services.acd.surroundings import Surroundings, Title
from services.acd.switch import Hands

log = structlog.get_logger(__name__)

RETRY_S = 0.5
# the broker is away, or its topics are not made yet
OUTAGES = (Unavailable, NotFound)
BATCH = 200
LONGEST_NAP_S = 1.0
SHORTEST_NAP_S = 0.05
# so long an agent who answered may wait for the broker before he is joined without it
PATIENCE_S = 0.5
# so long events that nobody waits for may wait for company: whoever comes in meanwhile finds the broker free
HOLD_S = 0.02


class Owner:
    """Run it by ``tasks.spawn(name, owner.run)``; it ends by itself only when a newer owner has fenced it, or taken its place."""

    def __init__(self, domain: str, around: Surroundings, title: Title) -> None:
        self.domain = domain
        self.is_open = False
        self.trouble = "not opened yet"
        self._around = around
        self._title = title
        self._inbox: asyncio.Queue[Input] = asyncio.Queue()
        self._log = AcdLog(around.bus, domain)
        self._ears = Ears(around.bus, domain, self._inbox.put_nowait, around.last_good)
        self._hands = Hands(around.switches, around.dialling, self._report, lambda: not title.is_in_doubt)
        self._sight = Sight(around.switches, around.clock, self._believed, self._report)
        self._book: Book | None = None
        self._poison: InputRef | None = None
        self._held = Page()
        self._held_until: float | None = None

    async def run(self) -> None:
        """Own the domain until fenced or cancelled."""
        self._hands.start()
        try:
            while True:
                book = await self._open_and_stay_afloat()
                try:
                    await self._work(book)
                except OUTAGES as error:
                    self._close(str(error))
                    log.warning("log_not_written", domain=self.domain, reason=str(error))
                finally:
                    self._poison = book.deciding
                    await book.writer.close()
                    if book.journal is not None:
                        book.journal.close()
        except Fenced as fenced:
            self._close(str(fenced))
            log.warning("owner_fenced", domain=self.domain)
        finally:
            self._close("stopped")
            await self._hands.stop()

    def node_down(self, node: SwitchNode) -> None:
        """The link to a switch broke: nothing is offered there until it is back."""
        self._report(NodeChanged(node.node_id, is_up=False, reason=node.state.last_error or "down"))

    def node_up(self, node: SwitchNode) -> None:
        """A switch is back: compared first, used afterwards."""
        self._hands.tasks.once(f"greet {node.node_id}", self._sight.greet(node))

    def complaint(self) -> str:
        """What is wrong here though contacts are routed: inputs not recorded, queues by rules of before; "" when nothing is."""
        if self._book is None:
            return ""
        journal, broken = self._book.journal, self._book.state.broken
        found = [f"inputs are not recorded: {journal.trouble}"] if journal is not None and journal.trouble else []
        for key, why in sorted(broken.items()):
            kind, _, name = key.rpartition("/")
            found.append(f"{kind or 'queue'} {name} goes by its last good rules: {why}")
        return "; ".join(found)

    def _close(self, why: str) -> None:
        self.is_open, self.trouble = False, why

    def _report(self, given: object) -> None:
        self._inbox.put_nowait(Input(given))

    def _believed(self) -> State | None:
        return self._book.state if self._book is not None else None

    # --- open ----------------------------------------------------------------------------------
    async def _open_and_stay_afloat(self) -> Book:
        """Become the writer and read the log, for as long as it takes; meanwhile offers already made are completed.

        Raises Fenced when another owns the domain by now: to become the writer would take it from him.
        """
        async with asyncio.TaskGroup() as group:
            afloat = group.create_task(self._stay_afloat())
            book = await self._open()
            afloat.cancel()
        if book is None:
            raise Fenced(f"acd.{self.domain}")
        self._book = book
        return book

    async def _open(self) -> Book | None:
        while True:
            try:
                return await self._try_to_open()
            except OUTAGES as error:
                self.trouble = str(error)
                log.warning("domain_not_opened", domain=self.domain, reason=str(error))
                await self._around.clock.sleep(RETRY_S)

    async def _try_to_open(self) -> Book | None:
        around = self._around
        # the first time the lease has just asked
        if (self._book is not None or self._title.is_in_doubt) and not await self._title.holds():
            return None
        # first the right to write, then the reading: what an earlier owner still had in hand cannot come in between
        producer = await around.bus.fenced(f"acd.{self.domain}")
        folded = await self._log.read()
        writer = LogWriter(self._log, producer, around.publisher.source)
        book = Book(folded.state, writer, around.clock, around.metrics, dict(folded.inputs), folded.since_snapshot)
        book.poison = self._poison
        if around.inputs_dir is not None:
            book.journal = begin(around.inputs_dir, book.state, around.clock.now())
        return book

    async def _stay_afloat(self) -> None:
        """Without the log: end and join legs of offers that were stored before, decide nothing new."""
        while True:
            item = await self._inbox.get()
            if self._book is None or item.cause is not None or self._title.is_in_doubt:
                continue
            with suppress(Refused):
                decision = advance(self._book.state, item.given, self._around.clock.now())
                for effect in decision.effects:
                    if isinstance(effect, JoinLegs | EndLeg):
                        self._hands.carry_out_unstored(effect)

    # --- work ----------------------------------------------------------------------------------
    async def _work(self, book: Book) -> None:
        """Take the domain over, then decide for ever. Raises Fenced and Unavailable."""
        feeds = Tasks()
        # what an earlier tenure held back was never stored: its state is gone, too
        self._held, self._held_until = Page(), None
        try:
            await self._take_over(book, feeds)
            self.is_open, self.trouble = True, ""
            log.info("domain_owned", domain=self.domain, entries=len(book.state.entries), offers=len(book.state.offers))
            while True:
                items = await self._next(book)
                if self._title.is_in_doubt and not await self._title.holds():
                    raise Fenced(f"acd.{self.domain}")
                await self._turn(book, items)
        finally:
            self.is_open = False
            await feeds.stop()

    async def _take_over(self, book: Book, feeds: Tasks) -> None:
        around = self._around
        self._forget_heard()
        # at once: every moment here is one in which nobody is offered anything
        (lessons, learnt_to), starts = await asyncio.gather(self._ears.learn(), self._ears.starts(book.positions))
        now = self._around.clock.now()
        for lesson in lessons:
            book.learn(lesson.given, now)
        starts |= learnt_to
        for topic, at in starts.items():
            book.positions.update({place_of(topic.name, number): offset for number, offset in at.items()})
        await self._catch_up(book, starts[CALL])
        looks = await self._sight.first(book.state, lambda found: book.learn(found, around.clock.now()))
        await self._turn(book, [Input(TakenOver(tuple(looks)))], may_wait=False)
        # it must not hold what would be appended behind it
        await book.snapshot()
        for topic, at in starts.items():
            feeds.spawn(f"hear {topic.name}", partial(self._hear, book, topic, list(at)))
        feeds.spawn("look at switches", partial(self._sight.keep_looking, around.look_every_s))

    async def _catch_up(self, book: Book, start: Mapping[int, int]) -> None:
        """What became of calls while nobody owned the domain is decided as of then: whoever hung up waited or talked no longer.

        Nothing is done meanwhile: what is left to do is for the look at the switches to say, which follows.
        """
        now = self._around.clock.now()
        for node in self._around.switches.nodes():
            book.learn(NodeChanged(node.node_id, is_up=False, reason="not looked at yet"), now)
        missed = await self._ears.missed(CALL, start)
        for first in range(0, len(missed), BATCH):
            # stored together: one transaction of the broker for each would be most of the takeover
            page = Page()
            for item, told_at in missed[first : first + BATCH]:
                if not self._awaits_key(book, item.given):
                    book.decide(item, page, min(told_at, now))
            await book.store(page)
            await self._bury(page)

    async def _hear(self, book: Book, topic: Topic, partitions: list[int]) -> None:
        # from what was decided, so that a feed that died and is started again misses nothing
        await self._ears.follow(topic, {number: book.positions[place_of(topic.name, number)] for number in partitions})

    def _forget_heard(self) -> None:
        """What an earlier feed left over is heard again, in its order, by the next one."""
        kept = [self._inbox.get_nowait() for _ in range(self._inbox.qsize())]
        for item in kept:
            if item.cause is None:
                self._inbox.put_nowait(item)

    async def _next(self, book: Book) -> list[Input]:
        """What has come in, at least one; the time itself when a timer runs out."""
        items: list[Input] = []
        try:
            async with asyncio.timeout(self._nap(book)):
                items.append(await self._inbox.get())
        except TimeoutError:
            return [Input(TimePassed())]
        while len(items) < BATCH and not self._inbox.empty():
            items.append(self._inbox.get_nowait())
        due = book.state.next_due()
        if due is not None and due <= self._around.clock.now():
            items.append(Input(TimePassed()))
        return items

    def _nap(self, book: Book) -> float:
        due = book.state.next_due()
        left = LONGEST_NAP_S if due is None else (due - self._around.clock.now()) / timedelta(seconds=1)
        longest = LONGEST_NAP_S if self._held_until is None else self._held_until - asyncio.get_running_loop().time()
        return min(max(left, SHORTEST_NAP_S), max(longest, 0.0))

    async def _turn(self, book: Book, items: list[Input], *, may_wait: bool = True) -> None:
        """Decide ``items``, store what follows, carry it out, answer. Raises Fenced and Unavailable.

        What asks for nothing to be done is held back for a moment and stored together with what comes next.
        """
        page = self._held
        for item in items:
            if self._awaits_key(book, item.given):
                continue
            book.decide(item, page)
        if may_wait and self._is_held_back(page):
            return
        self._held, self._held_until = Page(), None
        with self._around.metrics.timed(ACD_STORE_DURATION):
            await self._store(book, page)
        for effect in page.effects:
            self._hands.carry_out(effect)
        for to, answer in page.answers:
            self._hands.tasks.once("reply", send_reply(self._around.publisher, to, answer))
        await self._bury(page)
        # not while somebody waits to be decided, but for one that is overdue
        every = self._around.snapshot_every if self._inbox.empty() else 2 * self._around.snapshot_every
        if book.is_snapshot_due(every):
            await book.snapshot()

    def _is_held_back(self, page: Page) -> bool:
        """Whether ``page`` waits for company, from its first event on."""
        now = asyncio.get_running_loop().time()
        if page.is_urgent or (self._held_until is not None and now >= self._held_until):
            return False
        if page.facts and self._held_until is None:
            self._held_until = now + HOLD_S
        return True

    def _awaits_key(self, book: Book, given: object) -> bool:
        """Whether it says that a number outside answered, of whose agent a key is asked: a voicemail could have. Whoever dialled
        hears of the key from the switch; an owner who took over sees it when he looks there."""
        if not isinstance(given, LegAnswered) or not self._around.dialling.confirm_key:
            return False
        offer = book.state.offers.get(given.leg_id)
        return offer is not None and is_outside(offer.phone_id)

    async def _bury(self, page: Page) -> None:
        for record, reason in page.buried:
            await self._ears.bury(record, reason)

    async def _store(self, book: Book, page: Page) -> None:
        """Append; when the broker takes long or fails, legs are joined and ended all the same: their offers are stored."""
        urgent = [effect for effect in page.effects if isinstance(effect, JoinLegs | EndLeg)]
        hurry = asyncio.get_running_loop().call_later(PATIENCE_S, self._carry_out_early, page, urgent)
        try:
            await book.store(page)
        except Unavailable:
            self._carry_out_early(page, urgent)
            raise
        finally:
            hurry.cancel()

    def _carry_out_early(self, page: Page, urgent: list[JoinLegs | EndLeg]) -> None:
        while urgent and not self._title.is_in_doubt:
            effect = urgent.pop(0)
            page.effects.remove(effect)
            self._hands.carry_out_unstored(effect)
