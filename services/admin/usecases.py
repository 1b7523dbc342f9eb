"""Reading and changing what is administered: load, check the rules, write version and audit and fact together."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import structlog
from pydantic import TypeAdapter, ValidationError

from ipcc.bus.events import Publisher
from ipcc.bus.outbox import Relay
from ipcc.clock import Clock
from ipcc.contracts.config import KINDS, ConfigChanged, ConfigObject
from ipcc.errors import Invalid, NotFound, NotNow, StoreDown
from ipcc.metrics import ADMIN_CHANGES, ADMIN_OBJECTS, OUTBOX_PENDING, Metrics
from services.admin.core.changes import Change, InForce, apply, plan_import
from services.admin.core.document import Document, read_document
from services.admin.core.faults import Fault
from services.admin.core.rules import Key, Object, faults, users_of
from services.admin.store import Act, AdminStore, AuditEntry, Sought, Stored, Transaction

log = structlog.get_logger(__name__)

RETRY_S = 2.0
COUNT_EVERY_S = 15.0

_ADAPTER: TypeAdapter[Object] = TypeAdapter(ConfigObject)


@dataclass(frozen=True)
class Source:
    """A document and the name it is known by in errors and audit."""

    name: str
    text: str

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.text.encode()).hexdigest()


@dataclass
class Administration:
    """The use cases. ``problem`` says why the organisation's document is not in force, None when it is."""

    store: AdminStore
    publisher: Publisher
    relay: Relay
    clock: Clock
    metrics: Metrics
    problem: str | None = field(default="the organisation has not been published yet", init=False)

    async def find(self, kind: str, object_id: str) -> Stored:
        """The object in force. Raises NotFound."""
        async with self.store.reading() as transaction:
            return _in_force(await transaction.find((kind, object_id)), (kind, object_id))

    async def page(self, kind: str, after: str | None, limit: int) -> list[Stored]:
        """Objects of ``kind``, in the order of their ids."""
        async with self.store.reading() as transaction:
            return await transaction.page(kind, after, limit)

    async def versions(self, kind: str, object_id: str) -> list[Stored]:
        """Every version there was, the newest first. Raises NotFound when there never was one."""
        async with self.store.reading() as transaction:
            found = await transaction.versions((kind, object_id))
        if not found:
            raise _not_found((kind, object_id))
        return found

    async def audit(self, sought: Sought, limit: int) -> list[AuditEntry]:
        """Who did what, the newest first."""
        async with self.store.reading() as transaction:
            return await transaction.audit(sought, limit)

    async def save(self, subject: Object, actor: str, expected_version: int | None = None) -> Stored:
        """Put ``subject`` in force. Raises Invalid naming every broken rule, NotNow when it is not at ``expected_version``."""
        key = (subject.kind, subject.id)
        async with self.store.changing() as transaction:
            before = await transaction.find(key)
            _check_version(before, expected_version)
            if before is not None and before.subject == subject:
                return before
            current = await transaction.all_in_force()
            _refuse_faults(faults(apply(current, [Change(key, subject)])))
            stored = await self._write(transaction, key, subject, Act(actor, self.clock.now(), "rest"))
        self.relay.wake()
        return stored

    async def remove(self, key: Key, actor: str, expected_version: int | None = None) -> None:
        """Take it out of force. Raises NotFound, and NotNow naming what still refers to it."""
        async with self.store.changing() as transaction:
            before = _in_force(await transaction.find(key), key)
            _check_version(before, expected_version)
            current = await transaction.all_in_force()
            users = users_of(key, {k: one.subject for k, one in current.items()})
            if users:
                named = ", ".join(f"{kind} {name}" for kind, name in users[:10])
                raise NotNow("config.in_use", f"{key[0]} {key[1]} is used by {named}: change them first")
            await self._write(transaction, key, None, Act(actor, self.clock.now(), "rest"))
        self.relay.wake()

    async def take_over(self, source: Source, actor: str, *, only_if_new: bool = False) -> list[Change]:
        """Put a document in force; what changed. Raises Invalid naming each fault with its line."""
        document = check_document(source)
        async with self.store.changing() as transaction:
            if only_if_new and await transaction.digest_of(source.name) == source.digest:
                return []
            current = await transaction.all_in_force()
            changes = plan_import(current, document.objects)
            _refuse_faults(faults(apply(current, changes)), source, document)
            act = Act(actor, self.clock.now(), "file")
            for change in changes:
                await self._write(transaction, change.key, change.after, act)
            await transaction.note_document(source.name, source.digest, act.at)
        self.relay.wake()
        log.info("document_taken_over", document=source.name, changes=len(changes))
        return changes

    async def publish_all(self) -> int:
        """Publish every object once more: for readers of a topic that was lost, or of a bus that forgets."""
        async with self.store.changing() as transaction:
            current = await transaction.all_in_force()
            for key, one in current.items():
                await self._publish(transaction, key, one)
        self._show(current)
        self.relay.wake()
        return len(current)

    async def start(self, source: Source | None) -> None:
        """Once the database is there: take over the document if it has changed, then publish everything."""
        await self.store.wait_until_ready()
        while True:
            try:
                if source is not None:
                    await self.take_over(source, f"document {source.name}", only_if_new=True)
                await self.publish_all()
            except (StoreDown, Invalid) as error:
                self.problem = error.message
                log.warning("organisation_not_in_force", reason=error.message)
                await self.clock.sleep(RETRY_S)
            else:
                self.problem = None
                return

    async def count(self) -> None:
        """Keep the metrics of objects and backlog current, for ever."""
        await self.store.wait_until_ready()
        while True:
            try:
                async with self.store.reading() as transaction:
                    self._show(await transaction.all_in_force())
                self.metrics.put(OUTBOX_PENDING, await self.store.outbox.backlog())
            except StoreDown as error:
                log.warning("not_counted", reason=error.message)
            await self.clock.sleep(COUNT_EVERY_S)

    async def _write(self, transaction: Transaction, key: Key, subject: Object | None, act: Act) -> Stored:
        stored = await transaction.write(key, subject, act)
        changed = ConfigChanged(kind=key[0], object_id=key[1], version=stored.version, object=subject)
        await transaction.publish(self.publisher.event(changed))
        self.metrics.count(ADMIN_CHANGES, kind=key[0], action="removed" if subject is None else "saved")
        return stored

    async def _publish(self, transaction: Transaction, key: Key, one: InForce) -> None:
        changed = ConfigChanged(kind=key[0], object_id=key[1], version=one.version, object=one.subject)
        await transaction.publish(self.publisher.event(changed))

    def _show(self, current: Mapping[Key, InForce]) -> None:
        for kind in KINDS:
            self.metrics.put(ADMIN_OBJECTS, sum(1 for key in current if key[0] == kind), kind=kind)


def parse_object(kind: str, object_id: str, body: Mapping[str, Any]) -> Object:
    """The object in a request body. Raises Invalid naming each wrong field."""
    for name, wanted in (("kind", kind), ("id", object_id)):
        if body.get(name, wanted) != wanted:
            raise Invalid("config.invalid", f"{name}: the body says {body[name]!r}, the address {wanted!r}")
    try:
        return _ADAPTER.validate_python({**body, "kind": kind, "id": object_id})
    except ValidationError as error:
        found = [f"{'.'.join(map(str, e['loc'][1:]))}: {e['msg']}" for e in error.errors(include_input=False)]
        raise Invalid("config.invalid", "; ".join(found)) from None


def check_document(source: Source) -> Document:
    """The document as read. Raises Invalid naming each fault as ``file:line: reason``."""
    document = read_document(source.text)
    if document.complaints:
        found = [f"{source.name}:{one.line}: {one.text}" for one in document.complaints]
        raise Invalid("config.document", "\n".join(found), faults=found)
    return document


def _refuse_faults(found: Sequence[Fault], source: Source | None = None, document: Document | None = None) -> None:
    if not found:
        return
    texts = [str(fault) for fault in found]
    if source is not None and document is not None:
        places = [document.line_of((fault.kind, fault.id), fault.field) for fault in found]
        texts = [f"{source.name}:{line}: {text}" for line, text in zip(places, texts, strict=True)]
    raise Invalid("config.invalid", "\n".join(texts), faults=texts)


def _check_version(before: Stored | None, expected: int | None) -> None:
    at = before.version if before is not None and before.subject is not None else 0
    if expected is not None and expected != at:
        raise NotNow("config.changed", f"it is at version {at}, not {expected}: load it again", version=at)


def _in_force(found: Stored | None, key: Key) -> Stored:
    if found is None or found.subject is None:
        raise _not_found(key)
    return found


def _not_found(key: Key) -> NotFound:
    return NotFound("config.not_found", f"there is no {key[0]} {key[1]!r}")
