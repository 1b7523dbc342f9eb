"""The published flows: documents in a folder, one file a version, checked when read."""

from __future__ import annotations

import json
from pathlib import Path

import yaml

from ipcc.errors import Invalid, NotFound
from services.ivr.core.checks import Catalogue, checked
from services.ivr.core.flow import Flow, read_document
from services.ivr.core.linking import link


class FlowStore:
    """Flows by id; of several versions the highest is the published one. Calls in progress keep the version they began with."""

    def __init__(
        self,
        flows: dict[str, dict[int, Flow]],
        documents: dict[str, Flow] | None = None,
        catalogue: Catalogue | None = None,
    ) -> None:
        self._flows = flows
        self._documents = documents or {}
        self.catalogue = catalogue

    @classmethod
    def read(cls, folder: Path, prompts_file: Path | None = None) -> FlowStore:
        """Every ``*.json`` in ``folder``, sub-flows of the same folder fitted in. Raises Invalid naming file, node and reason:
        a wrong flow is not half loaded.
        """
        catalogue = read_catalogue(prompts_file)
        documents = {path: _read(path) for path in sorted(folder.glob("*.json"))}
        parts = _newest(documents)
        flows: dict[str, dict[int, Flow]] = {}
        for path, document in documents.items():
            versions = flows.setdefault(document.id, {})
            if document.version in versions:
                raise Invalid("flow.twice", f"{path}: flow {document.id} has a version {document.version} already")
            versions[document.version] = _linked(path, document, parts, catalogue)
        if not flows:
            raise Invalid("flow.none", f"there is no flow (*.json) in {folder}: set IPCC_IVR__FLOWS_DIR")
        return cls(flows, parts, catalogue)

    def parts(self) -> dict[str, Flow]:
        """The newest document of every flow as it was written: what sub-flow nodes can name."""
        return dict(self._documents)

    def published(self, flow_id: str) -> Flow:
        """The version new callers meet. Raises NotFound."""
        versions = self._flows.get(flow_id)
        if not versions:
            raise NotFound(
                "flow.unknown", f"there is no published flow {flow_id}; known: {', '.join(sorted(self._flows))}"
            )
        return versions[max(versions)]

    def version(self, flow_id: str, version: int) -> Flow:
        """That version, or the published one when it is no longer kept. Raises NotFound."""
        return self._flows.get(flow_id, {}).get(version) or self.published(flow_id)

    def all(self) -> list[Flow]:
        """The published version of every flow."""
        return [self.published(flow_id) for flow_id in sorted(self._flows)]


def read_catalogue(prompts_file: Path | None) -> Catalogue | None:
    """The prompts there are, by language; None when there is no list to check against."""
    if prompts_file is None or not prompts_file.is_file():
        return None
    listed = yaml.safe_load(prompts_file.read_text(encoding="utf-8"))
    return {language: frozenset(p["id"] for p in listed if p.get(language) is not None) for language in ("zh", "en")}


def _newest(documents: dict[Path, Flow]) -> dict[str, Flow]:
    newest: dict[str, Flow] = {}
    for flow in documents.values():
        if flow.id not in newest or newest[flow.id].version < flow.version:
            newest[flow.id] = flow
    return newest


def _linked(path: Path, flow: Flow, parts: dict[str, Flow], catalogue: Catalogue | None) -> Flow:
    try:
        return checked(link(flow, parts), catalogue)
    except Invalid as error:
        raise Invalid(error.code, f"{path}: {error.message}", **error.details) from error


def _read(path: Path) -> Flow:
    try:
        return read_document(json.loads(path.read_text(encoding="utf-8")))
    except (ValueError, OSError) as error:
        raise Invalid("flow.invalid", f"{path}: {error}") from error
    except Invalid as error:
        raise Invalid(error.code, f"{path}: {error.message}", **error.details) from error
