"""Short words for customers who write, and for the agents who answer them."""

from __future__ import annotations

from typing import Any

from ipcc.contracts.config import User
from ipcc.contracts.digital import AcceptOffer, EndContact
from services.acd.core.decision import Decision
from tests.unit.acd.world import World, queue, user, write

WEB: dict[str, Any] = {"medium": "chat", "skills": {"service": 3}, "wrap_up_s": 0}
MAIL: dict[str, Any] = {"medium": "mail", "skills": {"service": 3}, "wrap_up_s": 0}


def chatter(name: str, chat: int = 3, mail: int = 0, **fields: Any) -> User:
    return user(name, **{"capacity": {"chat": chat, "mail": mail}, **fields})


def world_of(*people: User, **web: Any) -> World:
    world = World(queue("service"), queue("web", **{**WEB, **web}), queue("letters", **MAIL), agents=people)
    world.come(*(one.id for one in people))
    return world


def comes(world: World, name: str, queue_id: str = "web", **fields: Any) -> Decision:
    return world.give(write(name, queue_id, world.now, **fields))


def accept(world: World, name: str) -> Decision:
    return world.give(AcceptOffer(agent_id=world.offered_to(name), offer_id=world.offer_of(name)))


def chats(world: World, *names: str, queue_id: str = "web") -> None:
    for name in names:
        comes(world, name, queue_id)
        accept(world, name)


def end(world: World, name: str) -> Decision:
    return world.give(EndContact(entry_id=f"entry-{name}"))
