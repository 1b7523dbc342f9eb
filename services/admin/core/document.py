"""The organisation as a YAML document: read into objects, every fault with the line it stands on.

Every plain value is read as text, so that ``id: 1001`` and ``language: no`` mean what they look like.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from difflib import get_close_matches

import yaml
from pydantic import TypeAdapter, ValidationError

from ipcc.contracts.config import ConfigObject
from services.admin.core.rules import Key, Object, faults, key_of

SECTIONS = {
    "organisations": "organisation",
    "skills": "skill",
    "queues": "queue",
    "phones": "phone",
    "users": "user",
    "entry_points": "entry_point",
    "calendars": "calendar",
    "dial_plans": "dial_plan",
    "pause_reasons": "pause_reason",
}

_MAX_DEPTH = 8

_ADAPTER: TypeAdapter[Object] = TypeAdapter(ConfigObject)


@dataclass(frozen=True)
class Complaint:
    """One fault of the document; ``line`` counts from 1."""

    line: int
    text: str


@dataclass
class Document:
    """What was read. ``complaints`` empty: it may take effect."""

    objects: dict[Key, Object] = field(default_factory=dict)
    complaints: list[Complaint] = field(default_factory=list)
    lines: dict[Key, dict[str, int]] = field(default_factory=dict)

    def complain(self, line: int, text: str) -> None:
        """Add a fault."""
        self.complaints.append(Complaint(line, text))

    def line_of(self, key: Key, field_path: str) -> int:
        """Where the field stands, or else the object."""
        lines = self.lines.get(key, {})
        return lines.get(field_path) or lines.get(field_path.partition(".")[0]) or lines.get("", 1)


def read_document(text: str) -> Document:
    """The objects in ``text`` and everything wrong with it; never raises."""
    document = Document()
    try:
        _refuse_tricks(text, document)
        root = None if document.complaints else yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        document.complain(mark.line + 1 if mark else 1, f"not YAML: {getattr(error, 'problem', None) or error}")
    if document.complaints:
        return document
    for section, name, items in _sections(root, document):
        for item in items:
            _read_object(section, name, item, document)
    if not document.complaints:
        for fault in faults(document.objects):
            document.complain(document.line_of((fault.kind, fault.id), fault.field), str(fault))
    document.complaints.sort(key=lambda complaint: complaint.line)
    return document


def _refuse_tricks(text: str, document: Document) -> None:
    """References and deep nesting have no use here, and can make a small text very large or exhaust the reader."""
    depth = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        line = event.start_mark.line + 1 if event.start_mark else 1
        if isinstance(event, yaml.AliasEvent):
            document.complain(line, f"*{event.anchor}: references to other parts are not read; write it out")
            return
        if depth > _MAX_DEPTH:
            document.complain(line, "nested too deeply")
            return


def _sections(root: yaml.Node | None, document: Document) -> Iterator[tuple[str, str, list[yaml.Node]]]:
    if not isinstance(root, yaml.MappingNode):
        document.complain(1, f"expected sections: {', '.join(SECTIONS)}")
        return
    for name_node, items in root.value:
        name, line = str(name_node.value), name_node.start_mark.line + 1
        if name not in SECTIONS:
            near = get_close_matches(name, SECTIONS, n=1)
            advice = f"did you mean {near[0]}?" if near else f"known are: {', '.join(SECTIONS)}"
            document.complain(line, f"there is no section {name!r}; {advice}")
        elif isinstance(items, yaml.SequenceNode):
            yield SECTIONS[name], name, items.value
        elif items.value:
            document.complain(line, f"{name}: expected a list, each item beginning with '- '")


def _read_object(kind: str, section: str, node: yaml.Node, document: Document) -> None:
    line = node.start_mark.line + 1
    if not isinstance(node, yaml.MappingNode):
        document.complain(line, f"{section}: expected fields such as 'id: …' and 'name: …'")
        return
    lines: dict[str, int] = {"": line}
    values = _fields(node, "", lines)
    try:
        made = _ADAPTER.validate_python({**values, "kind": kind})
    except ValidationError as error:
        for fault in error.errors(include_input=False):
            # the first part of the place is the kind
            path = ".".join(str(part) for part in fault["loc"][1:])
            at = lines.get(path) or lines.get(path.partition(".")[0]) or line
            document.complain(at, f"{kind} {values.get('id', '?')}, {path}: {fault['msg']}")
        return
    key = key_of(made)
    if key in document.objects:
        document.complain(
            line, f"{kind} {made.id} stands on line {document.lines[key]['']} already; give it another id"
        )
        return
    document.objects[key] = made
    document.lines[key] = lines


def _fields(node: yaml.MappingNode, path: str, lines: dict[str, int]) -> dict[str, object]:
    """The fields of a mapping that are not left empty; ``lines`` gets the line of each."""
    found = {}
    for name_node, value_node in node.value:
        name = str(name_node.value)
        inner = f"{path}.{name}" if path else name
        lines[inner] = name_node.start_mark.line + 1
        if not _is_empty(value_node):
            found[name] = _plain(value_node, inner, lines)
    return found


def _plain(node: yaml.Node, path: str, lines: dict[str, int]) -> object:
    """The node as lists, dictionaries and text."""
    if isinstance(node, yaml.MappingNode):
        return _fields(node, path, lines)
    if isinstance(node, yaml.SequenceNode):
        return [_plain(item, f"{path}.{number}", lines) for number, item in enumerate(node.value)]
    return str(node.value)


def _is_empty(node: yaml.Node) -> bool:
    return isinstance(node, yaml.ScalarNode) and node.tag == "tag:yaml.org,2002:null"
