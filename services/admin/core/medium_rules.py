"""What must hold of media before it may take effect: which queues take what is in writing, and which users hold how much of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ipcc.contracts.config import VOICE, Queue, User
from services.admin.core.faults import Fault

# ways out of a queue that only a caller on the line can go
_FOR_CALLERS = frozenset({"voicemail", "callback", "number"})


def medium_faults(queues: Mapping[str, Queue], users: list[User]) -> Iterator[Fault]:
    """Everything wrong with media among ``queues`` and ``users``."""
    for queue in queues.values():
        yield from _way_faults(queue, queues)
        if queue.medium != VOICE and queue.callback is not None:
            problem = f"a queue for {queue.medium} does not call back"
            chinese = f"{queue.medium} 队列不能回电;请删去 callback"
            yield Fault("queue", queue.id, "callback", problem, "leave it out", chinese)
    for user in users:
        yield from _user_faults(user)


def targets_of(queue: Queue) -> Iterator[tuple[str, str]]:
    """Each field of ``queue`` that sends contacts elsewhere, with its target."""
    if queue.overflow_to:
        yield "overflow_to", queue.overflow_to
    for number, rule in enumerate(queue.overflow):
        yield f"overflow.{number}.to", rule.to


def _way_faults(queue: Queue, queues: Mapping[str, Queue]) -> Iterator[Fault]:
    for field, target in targets_of(queue):
        kind, _, name = target.partition(":")
        other = queues.get(name) if kind == "queue" else None
        if other is not None and other.medium != queue.medium:
            problem = f"queue {name!r} is for {other.medium}, this one for {queue.medium}"
            chinese = f"队列 {name} 的媒体是 {other.medium},本队列是 {queue.medium};请选同一媒体的队列"
            yield Fault("queue", queue.id, field, problem, "name a queue of the same medium", chinese)
        elif queue.medium != VOICE and kind in _FOR_CALLERS:
            problem = f"nobody who waits for {queue.medium} can be sent to {kind}"
            chinese = f"{queue.medium} 联络不能转到 {kind};请选队列或流程"
            yield Fault("queue", queue.id, field, problem, "name a queue or a flow", chinese)


def _user_faults(user: User) -> Iterator[Fault]:
    capacity = user.capacity
    if user.skills and not any(capacity.of(medium) for medium in type(capacity).model_fields):
        problem = "he has skills and takes no contacts of any medium"
        chinese = "有技能,却不受理任何媒体;请至少给一种媒体容量"
        yield Fault("user", user.id, "capacity", problem, "let him hold one at least", chinese)
    rules = (("beside_call", user.blending.beside_call), ("call_beside", user.blending.call_beside))
    for name, limits in rules:
        for medium, limit in limits.items():
            if limit > capacity.of(medium):
                problem = f"{limit} {medium} are more than the {capacity.of(medium)} he may hold"
                chinese = f"{limit} 超过其 {medium} 容量 {capacity.of(medium)};请调低,或提高容量"
                field = f"blending.{name}.{medium}"
                yield Fault("user", user.id, field, problem, "lower it, or raise his capacity", chinese)
    if not capacity.voice and user.blending.beside_call:
        problem, chinese = "he takes no calls that anything could be beside", "不接电话,无须设定;请删去"
        yield Fault("user", user.id, "blending.beside_call", problem, "leave it out", chinese)
