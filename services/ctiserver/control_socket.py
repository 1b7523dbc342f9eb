"""Call control over a WebSocket: the verbs of the REST interface as messages, each answered when the switch has done it.

A client sends ``{"id", "verb", "leg_id", "to", "digits"}`` and gets ``{"id", "type": "done", "data"}`` with the leg, or ``{"id", "type":
"refused", "data"}`` with a problem document. ``id`` is the request id: the same one again is done once and answered alike.
Messages are worked on side by side, so that hanging up never waits for a verb that takes long.
"""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

import orjson
from fastapi import APIRouter
from pydantic import Field, SecretStr, ValidationError
from starlette.websockets import WebSocket, WebSocketDisconnect

from ipcc.auth.guard import SUBPROTOCOL, CurrentPrincipal
from ipcc.auth.principal import Principal
from ipcc.errors import Invalid, IpccError
from services.ctiserver.control_api import asker_of, do
from services.ctiserver.core.control import Verb
from services.ctiserver.core.dialling import Target
from services.ctiserver.rights import Control, check_self
from services.ctiserver.schemas import Body, LegView
from services.ctiserver.usecases import Ask, CallControl

router = APIRouter(prefix="/v1", tags=["call control"])

AT_ONCE = 8
"""Messages of one client under way at a time; more wait in its socket."""
LONGEST = 16_384


class ControlMessage(Body):
    """One order. ``dial`` names no leg: it is for the one who is signed in, or ``agent_id``."""

    id: Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9_.:-]+$")]
    verb: Verb | None = None
    leg_id: Annotated[str, Field(max_length=64, pattern=r"^[A-Za-z0-9_.-]*$")] = ""
    dial: bool = False
    agent_id: Annotated[str, Field(max_length=64, pattern=r"^[A-Za-z0-9_.-]*$")] = ""
    to: Target | None = None
    digits: SecretStr = SecretStr("")


@router.websocket("/control")
async def control_socket(socket: WebSocket, who: CurrentPrincipal, control: Control) -> None:
    """Orders in, answers out, until the client goes."""
    offered = socket.scope.get("subprotocols", ())
    await socket.accept(SUBPROTOCOL if SUBPROTOCOL in offered else None)
    turns = asyncio.Semaphore(AT_ONCE)
    async with asyncio.TaskGroup() as group:
        while (text := await _receive(socket)) is not None:
            await turns.acquire()
            group.create_task(_serve(socket, text, (who, control), turns))


async def _receive(socket: WebSocket) -> str | None:
    try:
        return await socket.receive_text()
    except (WebSocketDisconnect, RuntimeError, KeyError):
        return None


async def _serve(socket: WebSocket, text: str, by: tuple[Principal, CallControl], turns: asyncio.Semaphore) -> None:
    try:
        answer = await answer_to(text, *by)
        await socket.send_text(orjson.dumps(answer).decode())
    except (WebSocketDisconnect, RuntimeError, OSError):
        # whoever asked has gone: what he asked for is done all the same
        return
    finally:
        turns.release()


async def answer_to(text: str, who: Principal, control: CallControl) -> dict[str, Any]:
    """What a message is answered; never raises for what a client can do wrong."""
    request_id = ""
    try:
        message = _message_in(text)
        request_id = message.id
        view = await _carry_out(message, who, control)
    except IpccError as error:
        refusal = {"type": f"urn:ipcc:problem:{error.code}", "status": error.status, "code": error.code}
        return {"id": request_id, "type": "refused", "data": {**refusal, "detail": error.message}}
    return {"id": request_id, "type": "done", "data": view.model_dump(mode="json")}


async def _carry_out(message: ControlMessage, who: Principal, control: CallControl) -> LegView:
    if message.dial:
        agent_id = message.agent_id or who.subject
        check_self(who, agent_id)
        if message.to is None:
            raise Invalid("target.missing", "dial needs to know whom: to")
        return LegView.of(await control.dial(agent_id, message.to, asker_of(who, message.id)))
    if message.verb is None:
        raise Invalid("request.invalid", "verb: name one, or say dial")
    ask = Ask(message.verb, message.leg_id, message.to, message.digits.get_secret_value())
    return await do(ask, who, control, message.id)


def _message_in(text: str) -> ControlMessage:
    if len(text) > LONGEST:
        raise Invalid("request.invalid", f"a message has at most {LONGEST} characters")
    try:
        return ControlMessage.model_validate_json(text)
    except ValidationError as error:
        # the input is never echoed
        where = ", ".join(sorted({".".join(map(str, one["loc"])) or "the message" for one in error.errors()}))
        raise Invalid("request.invalid", f"not an order: {where}") from None
