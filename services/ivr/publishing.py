"""The life of flows: written, validated, tested, published, given a share of the calls, rolled back; and learnt by every replica."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import structlog
from pydantic import ValidationError

from ipcc.clock import Clock
from ipcc.errors import Invalid, NotNow, StoreDown
from services.ivr.catalogue import FlowStore
from services.ivr.core.checks import checked
from services.ivr.core.flow import Flow, read_document
from services.ivr.core.life import WHOLE, Act, State, after, check_shares
from services.ivr.core.linking import link
from services.ivr.core.rehearsal import Cases
from services.ivr.rehearsing import FlowReport, try_cases
from services.ivr.store import Transaction, VersionStore
from services.ivr.versions import Deed, Version

log = structlog.get_logger(__name__)

SEED = "the flow files"


@dataclass
class FlowLife:
    """What people do to flows. Run ``follow`` by ``tasks.spawn``; every replica learns by it what is in force."""

    store: VersionStore
    flows: FlowStore
    clock: Clock
    look_s: float
    _seen: int = -1
    _whole: dict[tuple[str, int], Flow] = field(default_factory=dict)
    _learnt: asyncio.Event = field(default_factory=asyncio.Event)

    async def draft(
        self, flow_id: str, document: Mapping[str, Any], cases: Mapping[str, Any] | None, who: str
    ) -> Version:
        """A new version, to be worked on; its number is the next one. Raises Invalid when it is no flow document at all."""
        async with self.store.changing() as transaction:
            known = await transaction.versions(flow_id)
            number = max((one.version for one in known), default=0) + 1
            found = self._written(flow_id, number, document, cases, who)
            await transaction.write(found, self._deed(found, "drafted", who))
        return found

    async def change(
        self, flow_id: str, version: int, document: Mapping[str, Any], cases: Mapping[str, Any] | None, who: str
    ) -> Version:
        """Write the draft anew; it must be validated and tested again. Raises NotNow (flow.state) for a published one."""
        async with self.store.changing() as transaction:
            known = await transaction.version(flow_id, version)
            state = after(known.state, Act.CHANGE)
            found = replace(self._written(flow_id, version, document, cases, who), state=state)
            await transaction.write(found, self._deed(found, "changed", who))
        return found

    async def validate(self, flow_id: str, version: int, who: str) -> Version:
        """Raises Invalid naming every node and reason in both languages; the version then stays what it was."""
        async with self.store.changing() as transaction:
            known = await transaction.version(flow_id, version)
            state = after(known.state, Act.VALIDATE)
            self._linked(known)
            return await self._move(transaction, known, state, "validated", who)

    async def test(self, flow_id: str, version: int, who: str) -> tuple[Version, FlowReport]:
        """Run its own cases; it has passed only when every one comes out as it says. Raises Invalid when it has none."""
        known = await self.version(flow_id, version)
        after(known.state, Act.TEST)
        nodes = list(read_document(known.document).nodes)
        # apart from the loop that serves callers, and holding up nobody's change
        report = await asyncio.to_thread(try_cases, self._linked(known), nodes, _cases(known))
        async with self.store.changing() as transaction:
            now = await transaction.version(flow_id, version)
            state = after(now.state, Act.TEST)
            if (now.document, now.cases) != (known.document, known.cases):
                raise NotNow("flow.changed", f"version {version} of flow {flow_id} was changed while it was tested")
            if any(tried.problems for tried in report.tried):
                return await self._move(transaction, known, State.VALIDATED, "failed the test", who), report
            return await self._move(transaction, known, state, "tested", who), report

    async def publish(self, flow_id: str, version: int, percent: int, who: str) -> Version:
        """From now on it never changes, and ``percent`` of the calls meet it; the others share the rest as before.

        It is checked once more: a sub-flow may have been published since.
        """
        async with self.store.changing() as transaction:
            known = await transaction.version(flow_id, version)
            state = after(known.state, Act.PUBLISH)
            linked = self._linked(known).model_dump(mode="json")
            shares = _shared(await transaction.shares(flow_id), version, percent)
            found = replace(known, state=state, linked=linked, changed_at=self.clock.now(), changed_by=who)
            await transaction.write(found, self._deed(found, "published", who))
            await transaction.share(flow_id, shares, self._deed(found, "shared", who, _told(shares)))
        await self.learn()
        return found

    async def share(
        self, flow_id: str, shares: Mapping[int, int], who: str, action: str = "shared"
    ) -> Mapping[int, int]:
        """Share new calls among published versions. Raises Invalid (flow.shares)."""
        async with self.store.changing() as transaction:
            known = await transaction.versions(flow_id)
            check_shares(shares, frozenset(one.version for one in known if one.state is State.PUBLISHED))
            deed = Deed(self.clock.now(), who, action, flow_id, max(shares), _told(shares))
            await transaction.share(flow_id, shares, deed)
        await self.learn()
        return shares

    async def roll_back(self, flow_id: str, version: int, who: str) -> Mapping[int, int]:
        """All new calls meet this published version again; those in progress finish on theirs."""
        return await self.share(flow_id, {version: WHOLE}, who, "rolled back")

    async def versions(self, flow_id: str) -> list[Version]:
        """The newest first."""
        async with self.store.reading() as transaction:
            return await transaction.versions(flow_id)

    async def version(self, flow_id: str, version: int) -> Version:
        """Raises NotFound."""
        async with self.store.reading() as transaction:
            return await transaction.version(flow_id, version)

    async def deeds(self, flow_id: str, limit: int) -> list[Deed]:
        """Who did what, the newest first."""
        async with self.store.reading() as transaction:
            return await transaction.deeds(flow_id, limit)

    async def seed(self) -> None:
        """Flows of the files that are newer than all that was published of them are published, as their release says."""
        async with self.store.changing() as transaction:
            for flow in self.flows.all():
                known = await transaction.versions(flow.id)
                published = [one.version for one in known if one.state is State.PUBLISHED]
                if published and flow.version <= max(published):
                    continue
                await self._make_room(transaction, flow, known)
                await self._publish_file(transaction, flow)

    async def _make_room(self, transaction: Transaction, flow: Flow, known: Sequence[Version]) -> None:
        """A draft that somebody works on under the number of the file's version gets the next free one: no work is lost."""
        taken = next((one for one in known if one.version == flow.version), None)
        if taken is None:
            return
        number = max(flow.version, *(one.version for one in known)) + 1
        document = {**taken.document, "version": number}
        moved = replace(taken, version=number, document=document, changed_at=self.clock.now(), changed_by=SEED)
        note = f"was version {flow.version}, which the flow files have now"
        await transaction.write(moved, self._deed(moved, "renumbered", SEED, note))

    async def _publish_file(self, transaction: Transaction, flow: Flow) -> None:
        document = self.flows.parts()[flow.id].model_dump(mode="json")
        whole, at = flow.model_dump(mode="json"), self.clock.now()
        found = Version(flow.id, flow.version, State.PUBLISHED, document, None, at, SEED, whole)
        await transaction.write(found, self._deed(found, "published", SEED))
        shares = {flow.version: WHOLE}
        await transaction.share(flow.id, shares, self._deed(found, "shared", SEED, _told(shares)))

    async def follow(self) -> None:
        """Seed, then look again and again whether anything was done; what is known stays in force while the database is away."""
        is_seeded = False
        while True:
            try:
                if not is_seeded:
                    await self.seed()
                    is_seeded = True
                await self.learn()
            except StoreDown as error:
                log.warning("flows_not_learnt", reason=error.message)
            await self.clock.sleep(self.look_s)

    async def until_learnt(self, seconds: float) -> None:
        """Return once it is known what is in force, or after ``seconds``: without the database callers meet the flow files."""
        try:
            async with asyncio.timeout(seconds):
                await self._learnt.wait()
        except TimeoutError:
            log.warning("served_from_files", after_s=seconds)

    async def learn(self) -> None:
        """Take what is in force, if anything was done since the last time. Raises StoreDown."""
        async with self.store.reading() as transaction:
            if await transaction.last_deed() == self._seen:
                return
            found = await transaction.in_force()
        flows: dict[str, dict[int, Flow]] = {}
        documents: dict[str, Flow] = {}
        for flow_id, versions in found.published.items():
            readable = [one for one in versions if self._is_readable(one)]
            if readable:
                flows[flow_id] = {one.version: self._whole_of(one) for one in readable}
                documents[flow_id] = read_document(readable[-1].document)
        self.flows.take(flows, documents, found.shares)
        self._seen = found.number
        self._learnt.set()
        log.info("flows_learnt", number=found.number)

    def _is_readable(self, found: Version) -> bool:
        """A version of a newer release must not keep us from learning the others."""
        try:
            self._whole_of(found)
            read_document(found.document)
        except Invalid as error:
            log.error("flow_unreadable", flow_id=found.flow_id, version=found.version, reason=error.message)
            return False
        return True

    def _whole_of(self, found: Version) -> Flow:
        """What is published never changes: read once."""
        key = (found.flow_id, found.version)
        if key not in self._whole:
            self._whole[key] = read_document(found.linked or found.document)
        return self._whole[key]

    def _linked(self, found: Version) -> Flow:
        return checked(link(read_document(found.document), self.flows.parts()), self.flows.catalogue)

    def _written(
        self, flow_id: str, version: int, document: Mapping[str, Any], cases: Mapping[str, Any] | None, who: str
    ) -> Version:
        numbered = {**document, "id": flow_id, "version": version}
        found = Version(flow_id, version, State.DRAFT, numbered, cases, self.clock.now(), who)
        read_document(numbered)
        if cases is not None:
            _cases(found)
        return found

    async def _move(self, transaction: Transaction, known: Version, state: State, action: str, who: str) -> Version:
        found = replace(known, state=state, changed_at=self.clock.now(), changed_by=who)
        await transaction.write(found, self._deed(found, action, who))
        return found

    def _deed(self, found: Version, action: str, who: str, note: str = "") -> Deed:
        return Deed(self.clock.now(), who, action, found.flow_id, found.version, note)


def _cases(found: Version) -> Cases:
    if found.cases is None:
        raise Invalid("flow.no_cases", f"version {found.version} of flow {found.flow_id} has no test cases")
    try:
        return Cases.model_validate(found.cases)
    except ValidationError as error:
        reasons = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()[:5])
        raise Invalid("flow.cases", f"the test cases cannot be read: {reasons}") from error


def _shared(before: Mapping[int, int], version: int, percent: int) -> dict[int, int]:
    """The new version gets ``percent``; the largest of the others gives it, then the next largest."""
    if percent == WHOLE or not before:
        return {version: WHOLE}
    shares, owed = dict(before), percent
    for other in sorted(before, key=lambda one: before[one], reverse=True):
        given = min(owed, shares[other])
        shares[other] -= given
        owed -= given
    return {**{one: left for one, left in shares.items() if left}, version: percent}


def _told(shares: Mapping[int, int]) -> str:
    return ", ".join(f"version {version}: {percent} %" for version, percent in sorted(shares.items()))
