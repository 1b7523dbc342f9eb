"""What the bank administers: published by admin as the last word per object (compacted)."""

from __future__ import annotations

import re
from datetime import date
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, field_validator

from ipcc.contracts.payload import Payload
from ipcc.contracts.topics import CONFIG, Topic

Name = Annotated[str, Field(min_length=1, max_length=80)]
ObjectId = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_.-]{0,63}$")]
EventType = Annotated[str, Field(pattern=r"^ipcc\.call\.[a-z_]{0,40}$|^ipcc\.call$")]
Level = Annotated[int, Field(ge=1, le=10)]


class ConfigModel(BaseModel):
    """One administered object; unknown fields are refused when it is saved."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: ObjectId
    name: Name


class Organisation(ConfigModel):
    """The bank or one unit of it."""

    kind: Literal["organisation"] = "organisation"
    parent: ObjectId | None = None
    timezone: str = "Asia/Shanghai"


class Skill(ConfigModel):
    """Something an agent can do, at a level from 1 to 10."""

    kind: Literal["skill"] = "skill"


class Part(BaseModel):
    """A part of an administered object; unknown fields are refused when it is saved."""

    model_config = ConfigDict(frozen=True, extra="forbid")


Expression = Annotated[str, Field(max_length=500)]
Clock = Annotated[str, Field(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$|^24:00$")]
Target = Annotated[str, Field(pattern=r"^(queue|flow|voicemail|callback|number):[0-9A-Za-z_.+*#-]{0,64}$")]
Medium = Literal["voice", "chat", "mail", "message"]
DigitalMedium = Literal["chat", "mail", "message"]
VOICE: Medium = "voice"
Strategy = Literal["longest_idle", "most_idle_share", "least_busy", "best_skill", "round_robin", "top_down", "ring_all"]


class Relaxation(Part):
    """What a contact that has waited ``after_s`` no longer insists on."""

    after_s: int = Field(ge=1, le=86_400)
    lower_by: int = Field(default=0, ge=0, le=9, description="every level asked for is lower by so much, never under 1")
    drop: tuple[ObjectId, ...] = Field(default=(), description="skills no longer asked for")
    groups: tuple[ObjectId, ...] = Field(default=(), description="agents of these groups serve it, too")
    sites: tuple[ObjectId, ...] = Field(default=(), description="agents at these sites serve it, too")


class Precedence(Part):
    """Contacts for which ``when`` holds, such as ``segment == "vip"``, have this priority, and ask for these skills, too."""

    when: Expression
    priority: int | None = Field(default=None, ge=1, le=10)
    skills: dict[ObjectId, Level] = Field(default_factory=dict)


class Overflow(Part):
    """When a contact is sent elsewhere: ``above`` so many waiting, or so many seconds of the longest or the expected wait."""

    when: Literal["size", "longest_wait", "expected_wait", "no_agents", "closed"]
    above: int = Field(default=0, ge=0)
    to: Target


class CallBack(Part):
    """How a queue calls back. Times of the day are those of its calendar's zone, Asia/Shanghai without one."""

    first: Literal["agent", "customer"] = Field(default="agent", description="who is rung first")
    window_s: int = Field(
        default=28_800, ge=60, le=604_800, description="not tried any more so long after it was asked for"
    )
    not_before: Clock = Field(default="08:00", description="time of the day from which customers may be dialled")
    not_after: Clock = Field(default="21:00", description="time of the day from which nobody is dialled")
    tries: int = Field(default=3, ge=1, le=10)
    pause_s: int = Field(default=300, ge=1, le=86_400, description="between two tries")
    ring_s: int = Field(default=30, ge=5, le=120, description="how long the customer's phone rings")
    organisation: ObjectId | None = Field(
        default=None, description="whose dial plan says which customers may be dialled; the topmost unit's unless told"
    )


class Hours(Part):
    """Open on these days (1 is Monday) from ``opens`` to ``closes``."""

    days: tuple[Annotated[int, Field(ge=1, le=7)], ...] = Field(min_length=1)
    opens: Clock
    closes: Clock


class Holiday(Part):
    """From ``first`` to ``last``, both included: closed, or open for ``hours`` only."""

    name: Name
    first: date
    last: date
    opens: Clock | None = None
    closes: Clock | None = None


class Calendar(ConfigModel):
    """When queues are open."""

    kind: Literal["calendar"] = "calendar"
    timezone: str = "Asia/Shanghai"
    hours: tuple[Hours, ...] = ()
    holidays: tuple[Holiday, ...] = ()


class Queue(ConfigModel):
    """Where contacts wait. Agents with every skill in ``skills`` at its level or above serve it."""

    kind: Literal["queue"] = "queue"
    domain: ObjectId = "default"
    medium: Medium = Field(default=VOICE, description="what its contacts are: calls, or one of those in writing")
    skills: dict[ObjectId, Level] = Field(default_factory=dict)
    ring_s: int = Field(
        default=20, ge=3, le=120, description="how long an agent's phone rings, or an offer in writing stands"
    )
    wrap_up_s: int = Field(default=15, ge=0, le=3600, description="time for after-call work")
    after_no_answer: Literal["not_ready", "ready"] = "not_ready"
    return_after_s: int = Field(
        default=0, ge=0, le=3600, description="a silent agent is ready again after; 0 = never by itself"
    )
    service_level_s: int = Field(default=20, ge=1, le=600, description="answered within this counts as in time")
    max_waiting: int = Field(default=1000, ge=1, description="a contact more is refused")
    max_wait_s: int = Field(default=0, ge=0, description="longer waiting overflows; 0 = no limit")
    music: str = "local_stream://ipcc"
    strategy: Strategy = "longest_idle"
    agent_order: tuple[ObjectId, ...] = Field(default=(), description="for top_down: who is tried first, second, …")
    ring_at_once: int = Field(default=10, ge=1, le=100, description="for ring_all: so many phones at most")
    share: int = Field(
        default=0, ge=0, le=1000, description="weight among the queues an agent serves; 0 = by priority and time alone"
    )
    ageing_s: int = Field(
        default=0, ge=0, le=86_400, description="waiting so long is worth one priority; 0 = priorities are strict"
    )
    expression: Expression = Field(
        default="", description='what agents must have besides, such as "english >= 5 or german >= 3"'
    )
    relax: tuple[Relaxation, ...] = Field(default=(), description="in the order of after_s")
    groups: tuple[ObjectId, ...] = Field(default=(), description="served by agents of these groups alone; empty = all")
    sites: tuple[ObjectId, ...] = Field(default=(), description="served by agents at these sites alone; empty = all")
    prefer_groups: tuple[ObjectId, ...] = Field(default=(), description="their agents come before others")
    prefer_sites: tuple[ObjectId, ...] = Field(default=(), description="their agents come before others")
    preferred_wait_s: int = Field(
        default=0, ge=0, le=3600, description="so long a contact waits for the agents named in it alone"
    )
    last_agent_wait_s: int = Field(
        default=0,
        ge=0,
        le=3600,
        description="so long a customer waits for the agent who served him last alone; 0 = not",
    )
    last_agent_within_s: int = Field(
        default=604_800, ge=60, le=2_678_400, description="if that one served him not longer ago than this"
    )
    precedence: tuple[Precedence, ...] = Field(default=(), description="the first that holds")
    reserve: int = Field(default=0, ge=0, le=1000, description="so many idle agents are left for better priorities")
    reserve_priority: int = Field(default=1, ge=1, le=10, description="this priority and better may take them")
    overflow: tuple[Overflow, ...] = Field(default=(), description="the first that holds when a contact comes")
    overflow_to: Target | None = Field(default=None, description="where who waited max_wait_s is sent")
    callback: CallBack | None = Field(default=None, description="how it calls back; left out: it does not")
    voicemail_due_s: int = Field(
        default=3600, ge=60, le=604_800, description="a voicemail nobody has taken for so long is overdue"
    )
    calendar: ObjectId | None = None
    closed: bool = Field(default=False, description="closed for an emergency, whatever the calendar says")


class Phone(ConfigModel):
    """A telephone on an agent's desk; its id is the SIP user that registers."""

    kind: Literal["phone"] = "phone"
    node: str = ""


class Capacity(Part):
    """How many contacts of each medium a user holds at once, offers and after-contact work included.

    Inbound calls, callbacks and calls dialled for him share his one telephone.
    """

    voice: int = Field(default=1, ge=0, le=1)
    chat: int = Field(default=0, ge=0, le=20)
    mail: int = Field(default=0, ge=0, le=100)
    message: int = Field(default=0, ge=0, le=50)

    def of(self, medium: str) -> int:
        """How many contacts of ``medium``; none of one that is not known here."""
        return int(getattr(self, medium, 0))


Few = Annotated[int, Field(ge=0, le=100)]


def _no_chat() -> dict[DigitalMedium, int]:
    return {"chat": 0}


class Blending(Part):
    """Which work a user is given beside which."""

    beside_call: dict[DigitalMedium, Few] = Field(
        default_factory=dict,
        description="while his telephone is in use he is offered more of a medium up to so many; left out: none",
    )
    call_beside: dict[DigitalMedium, Few] = Field(
        default_factory=_no_chat,
        description="a call is offered to him while he holds at most so many of a medium; left out: any number",
    )
    together: int = Field(
        default=0, ge=0, le=200, description="so many contacts in writing at most, of all media; 0 = as capacity says"
    )


# one for all who have nothing else administered: there are many users
_CAPACITY = Capacity()
_BLENDING = Blending()


class User(ConfigModel):
    """Somebody who signs in. With ``skills`` he is an agent; his id is the agent's id."""

    kind: Literal["user"] = "user"
    organisation: ObjectId
    roles: tuple[Literal["agent", "supervisor", "quality", "administrator", "auditor", "system"], ...] = ("agent",)
    skills: dict[ObjectId, Level] = Field(default_factory=dict)
    languages: tuple[str, ...] = ("zh",)
    phone: ObjectId | None = None
    outside: Literal["no", "own", "any"] = Field(
        default="no",
        description="numbers outside he may be rung at instead of a phone: his own, or any the dial rules allow him",
    )
    mobile: Annotated[str, Field(pattern=r"^(\+?[0-9]{2,20})?$")] = Field(default="", repr=False)
    domain: ObjectId = "default"
    groups: tuple[ObjectId, ...] = ()
    site: ObjectId | None = None
    capacity: Capacity = Field(default_factory=lambda: _CAPACITY)
    blending: Blending = Field(default_factory=lambda: _BLENDING)


class EntryPoint(ConfigModel):
    """A dialled number and the flow its callers meet."""

    kind: Literal["entry_point"] = "entry_point"
    number: Annotated[str, Field(pattern=r"^[0-9+*#]{2,20}$")]
    flow: ObjectId
    language: str = "zh"
    organisation: ObjectId


class DialRule(Part):
    """Numbers whose whole text fits ``pattern``: refused, or allowed to those with one of ``roles`` or ``skills``.

    ``strip`` digits are taken from the front, then ``prefix`` is put there: the form the trunk wants. ``reach`` internal
    means a phone of ours instead of a number at ``gateway``; emergency is allowed to everybody, before any other rule.
    """

    name: str = Field(default="", max_length=64)
    pattern: str = Field(min_length=1, max_length=100)
    reach: Literal["internal", "local", "long_distance", "international", "emergency"] = "local"
    allow: bool = True
    gateway: Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]{1,64}$")] = "demo"
    roles: tuple[str, ...] = Field(default=(), description="both empty: for everybody")
    skills: tuple[ObjectId, ...] = ()
    strip: int = Field(default=0, ge=0, le=20)
    prefix: Annotated[str, Field(pattern=r"^\+?[0-9*#]{0,12}$")] = ""

    @field_validator("pattern")
    @classmethod
    def _compiles(cls, value: str) -> str:
        re.compile(value)
        return value


class DialPlan(ConfigModel):
    """Which numbers the people of a unit, and of the units under it that have no plan of their own, may reach."""

    kind: Literal["dial_plan"] = "dial_plan"
    organisation: ObjectId
    rules: tuple[DialRule, ...] = Field(min_length=1, max_length=200)


class PauseReason(ConfigModel):
    """Why an agent takes no contacts, such as a meal. Where there are any, no other reason is taken from agents.

    Past a limit he stays not ready and is shown as overdue. Without ``roles`` it is everybody's.
    """

    kind: Literal["pause_reason"] = "pause_reason"
    name_en: Annotated[str, Field(max_length=80)] = ""
    limit_s: int = Field(default=0, ge=0, le=86_400, description="so long one pause is good for; 0 = no limit")
    daily_limit_s: int = Field(
        default=0, ge=0, le=86_400, description="so long all of one day are good for, in the bank's zone; 0 = no limit"
    )
    roles: tuple[Literal["agent", "supervisor", "quality", "administrator", "auditor", "system"], ...] = ()
    most_at_once: int = Field(
        default=0, ge=0, le=10_000, description="so many agents who share a group may have it at once; 0 = all"
    )


class Webhook(ConfigModel):
    """A system that is sent the events of the calls of a unit and of the units under it, by HTTP.

    The secret its messages are signed with is never here: it follows from a key that admin and ctiserver hold, the id and
    ``secret_number``; until ``former_secret_until`` the secret before it signs as well.
    """

    kind: Literal["webhook"] = "webhook"
    organisation: ObjectId
    url: Annotated[str, Field(max_length=400, pattern=r"^https?://[!-~]+$")]
    types: tuple[EventType, ...] = Field(
        default=(), max_length=40, description="beginnings of event types; empty: all events of calls"
    )
    enabled: bool = Field(default=True, description="while it is not, events wait, for as long as the topic keeps them")
    since: AwareDatetime = Field(description="it is sent what happened from then on")
    secret_number: int = Field(default=1, ge=1)
    former_secret_until: AwareDatetime | None = None


ConfigObject = Annotated[
    Organisation | Skill | Queue | Phone | User | EntryPoint | Calendar | DialPlan | PauseReason | Webhook,
    Field(discriminator="kind"),
]
KINDS: tuple[str, ...] = (
    "organisation",
    "skill",
    "queue",
    "phone",
    "user",
    "entry_point",
    "calendar",
    "dial_plan",
    "pause_reason",
    "webhook",
)

_MODELS: dict[str, type[ConfigModel]] = {
    kind.model_fields["kind"].default: kind
    for kind in (Organisation, Skill, Queue, Phone, User, EntryPoint, Calendar, DialPlan, PauseReason, Webhook)
}


def model_of(kind: str) -> type[ConfigModel] | None:
    """The model of objects of ``kind``; None for a kind that is not known here."""
    return _MODELS.get(kind)


class ConfigChanged(Payload):
    """The object from now on; ``object`` is None when it was removed."""

    TYPE: ClassVar[str] = "ipcc.config.changed"
    TOPIC: ClassVar[Topic] = CONFIG

    kind: str
    object_id: str
    version: int
    object: ConfigObject | None

    @field_validator("object", mode="before")
    @classmethod
    def _pass_over_newer_fields(cls, value: Any) -> Any:
        """A field that a newer admin writes must not make the object unreadable here: only what is saved is checked strictly."""
        kind = _MODELS.get(str(value.get("kind"))) if isinstance(value, dict) else None
        return value if kind is None else {name: field for name, field in value.items() if name in kind.model_fields}

    def key(self) -> str:
        return f"{self.kind}/{self.object_id}"


CONFIG_PAYLOADS: tuple[type[Payload], ...] = (ConfigChanged,)
