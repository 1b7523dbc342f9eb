"""FreeSWITCH dialplan XML: parsed once, then hunted per call, so that simulator and real switch run the same files. Pure.

What mod_dialplan_xml does with contexts, extensions, nested and repeated conditions, ``break``, ``require-nested``, inline
actions, anti-actions and ``$1`` is kept; ``X-PRE-PROCESS`` set and include are resolved from texts handed in.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from xml.etree import ElementTree

Resolve = Callable[[str], str]
"""The value of a condition's field: a variable, a caller-profile field, or an expanded ``${…}``."""
SetVariable = Callable[[str, str], None]

_PRE_PROCESS = re.compile(
    r"<X-PRE-PROCESS\s+cmd=\"(?P<cmd>[\w-]+)\"\s+data=\"(?P<data>[^\"]*)\"\s*/?>(?:</X-PRE-PROCESS>)?"
)
_GLOBAL = re.compile(r"\$\$\{([^}]+)\}")
_CAPTURE = re.compile(r"\$(\d)|\$\{(\d)\}")


class DialplanError(ValueError):
    """The text is no dialplan; the message says which part."""


@dataclass(frozen=True)
class Action:
    """One application of an extension; ``inline`` ones run while hunting."""

    application: str
    data: str
    inline: bool = False


@dataclass(frozen=True)
class Condition:
    """One test and what follows from it; without field and expression it always matches."""

    field: str | None
    expression: str | None
    break_: str = "on-false"
    actions: tuple[Action, ...] = ()
    anti_actions: tuple[Action, ...] = ()
    nested: tuple[Condition, ...] = ()
    require_nested: bool = True


@dataclass(frozen=True)
class DialplanExtension:
    """A named list of conditions; ``continue_`` goes on hunting after a match."""

    name: str
    conditions: tuple[Condition, ...]
    continue_: bool = False


@dataclass(frozen=True)
class Dialplan:
    """All contexts, by name."""

    contexts: Mapping[str, tuple[DialplanExtension, ...]] = field(default_factory=dict)
    variables: Mapping[str, str] = field(default_factory=dict)
    """Global variables set by X-PRE-PROCESS, ``${name}`` for a channel that has no such variable itself."""

    def hunt(self, context: str, resolve: Resolve, set_variable: SetVariable) -> list[tuple[str, str]]:
        """The applications for a call in ``context``; inline ones have been given to ``set_variable``; empty: no route."""
        found: list[tuple[str, str]] = []
        for extension in self.contexts.get(context, ()):
            hunting = _Hunt(resolve, set_variable)
            matched = hunting.run(extension.conditions)
            found.extend(hunting.applications)
            if (matched or hunting.applications) and not extension.continue_:
                break
        return found


class _Hunt:
    def __init__(self, resolve: Resolve, set_variable: SetVariable) -> None:
        self.applications: list[tuple[str, str]] = []
        self._resolve = resolve
        self._set_variable = set_variable

    def run(self, conditions: tuple[Condition, ...]) -> bool:
        """Whether the last condition that counted matched."""
        matched = not conditions
        for condition in conditions:
            matched = self._test(condition)
            if _stops(condition.break_, matched):
                break
        return matched

    def _test(self, condition: Condition) -> bool:
        matched, groups = self._match(condition)
        if matched and condition.nested:
            below = self.run(condition.nested)
            if condition.require_nested and not below:
                return False
        for action in condition.actions if matched else condition.anti_actions:
            self._apply(action, groups)
        return matched

    def _match(self, condition: Condition) -> tuple[bool, tuple[str, ...]]:
        if condition.expression is None:
            return True, ()
        found = re.search(condition.expression, self._resolve(condition.field or ""))
        return found is not None, (found.group(0), *(g or "" for g in found.groups())) if found else ()

    def _apply(self, action: Action, groups: tuple[str, ...]) -> None:
        data = substitute(action.data, groups)
        if action.inline and action.application in ("set", "export"):
            name, _, value = data.partition("=")
            self._set_variable(name.strip(), value)
        self.applications.append((action.application, data))


def _stops(break_: str, matched: bool) -> bool:
    return break_ == "always" or (break_ == "on-true" and matched) or (break_ == "on-false" and not matched)


def substitute(text: str, groups: tuple[str, ...]) -> str:
    """``$1`` and ``${1}`` replaced by what the expression captured."""

    def captured(found: re.Match[str]) -> str:
        number = int(found.group(1) or found.group(2))
        return groups[number] if number < len(groups) else ""

    return _CAPTURE.sub(captured, text) if groups else text


def parse_dialplan(
    text: str, files: Mapping[str, str] | None = None, variables: Mapping[str, str] | None = None
) -> Dialplan:
    """The dialplan written in ``text``.

    ``files`` are the texts an include may name (exact name or a glob like ``dialplan/*.xml``), ``variables`` the global ones
    already known. Raises ``DialplanError``.
    """
    known = dict(variables or {})
    whole = preprocess(text, files or {}, known)
    try:
        root = ElementTree.fromstring(f"<all>{whole}</all>")  # noqa: S314  our own configuration, no entities
    except ElementTree.ParseError as error:
        raise DialplanError(f"not well-formed XML: {error}") from error
    contexts: dict[str, list[DialplanExtension]] = {}
    for context in root.iter("context"):
        extensions = contexts.setdefault(context.get("name", ""), [])
        extensions.extend(_extension(element) for element in context.findall("extension"))
    return Dialplan({name: tuple(found) for name, found in contexts.items()}, known)


def preprocess(text: str, files: Mapping[str, str], variables: dict[str, str], depth: int = 0) -> str:
    """``text`` with set and include directives carried out and ``$${…}`` replaced; ``variables`` grows by what was set."""
    if depth > 10:
        raise DialplanError("includes nested too deeply")
    text = re.sub(r"<\?xml[^>]*\?>|<!DOCTYPE[^>]*>|<!--.*?-->", "", text, flags=re.DOTALL)

    def directive(found: re.Match[str]) -> str:
        data = _globals(found["data"], variables)
        if found["cmd"] == "set":
            name, _, value = data.partition("=")
            variables[name] = value
            return ""
        if found["cmd"] == "include":
            return "".join(preprocess(body, files, variables, depth + 1) for body in _included(data, files))
        return ""

    parts = []
    end = 0
    for found in _PRE_PROCESS.finditer(text):
        parts.append(_globals(text[end : found.start()], variables))
        parts.append(directive(found))
        end = found.end()
    parts.append(_globals(text[end:], variables))
    return "".join(parts)


def _globals(text: str, variables: Mapping[str, str]) -> str:
    return _GLOBAL.sub(lambda found: variables.get(found.group(1), ""), text)


def _included(pattern: str, files: Mapping[str, str]) -> Iterator[str]:
    wanted = re.compile("^" + re.escape(pattern).replace(r"\*", "[^/]*") + "$")
    for name in sorted(files):
        if wanted.match(name):
            yield files[name]


def _extension(element: ElementTree.Element) -> DialplanExtension:
    conditions = tuple(_condition(child) for child in element.findall("condition"))
    return DialplanExtension(element.get("name", ""), conditions, element.get("continue") == "true")


def _condition(element: ElementTree.Element) -> Condition:
    return Condition(
        field=element.get("field"),
        expression=_expression(element),
        break_=element.get("break", "on-false"),
        actions=tuple(_action(child) for child in element.findall("action")),
        anti_actions=tuple(_action(child) for child in element.findall("anti-action")),
        nested=tuple(_condition(child) for child in element.findall("condition")),
        require_nested=element.get("require-nested", "true") != "false",
    )


def _expression(element: ElementTree.Element) -> str | None:
    text = element.get("expression")
    child = element.find("expression")
    if text is None and child is not None:
        text = child.text or ""
    if text is None:
        return None
    try:
        re.compile(text)
    except re.error as error:
        raise DialplanError(f"expression {text!r}: {error}") from error
    return text


def _action(element: ElementTree.Element) -> Action:
    data = element.get("data")
    return Action(
        application=element.get("application", ""),
        data=data if data is not None else (element.text or "").strip(),
        inline=element.get("inline") == "true",
    )
