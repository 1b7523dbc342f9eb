"""The flows callers meet: documents in a folder, one file a version, checked when read; and over them what was published since."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import yaml

from ipcc.errors import Invalid, NotFound
from services.ivr.core.checks import Catalogue, checked
from services.ivr.core.flow import Flow, read_document
from services.ivr.core.life import WHOLE, version_for
from services.ivr.core.linking import link


class FlowStore:
    """Flows by id. Of the versions in files the highest is met by callers, until the database says otherwise (``take``).

    Calls in progress keep the version they began with.
    """

    def __init__(
        self,
        flows: dict[str, dict[int, Flow]],
        documents: dict[str, Flow] | None = None,
        catalogue: Catalogue | None = None,
    ) -> None:
        self._flows = flows
        self._documents = documents or {}
        self._shares: Mapping[str, Mapping[int, int]] = {}
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

    def take(
        self,
        flows: Mapping[str, Mapping[int, Flow]],
        documents: Mapping[str, Flow],
        shares: Mapping[str, Mapping[int, int]],
    ) -> None:
        """From now on these are met too: versions by flow, the newest document of each as written, the shares of the calls."""
        for flow_id, versions in flows.items():
            self._flows[flow_id] = {**self._flows.get(flow_id, {}), **versions}
        self._documents.update(documents)
        self._shares = shares

    def parts(self) -> dict[str, Flow]:
        """The newest document of every flow as it was written: what sub-flow nodes can name."""
        return dict(self._documents)

    def published(self, flow_id: str, call_id: str = "") -> Flow:
        """The version this call meets; without one, the version most callers meet. Raises NotFound."""
        versions = self._flows.get(flow_id)
        if not versions:
            raise NotFound(
                "flow.unknown", f"there is no published flow {flow_id}; known: {', '.join(sorted(self._flows))}"
            )
        shares = {version: percent for version, percent in self._shares.get(flow_id, {}).items() if version in versions}
        if not shares:
            return versions[max(versions)]
        return versions[version_for(shares, call_id) if call_id else max(shares, key=lambda one: (shares[one], one))]

    def version(self, flow_id: str, version: int) -> Flow:
        """That version, or the published one when it is no longer kept. Raises NotFound."""
        return self._flows.get(flow_id, {}).get(version) or self.published(flow_id)

    def shares(self, flow_id: str) -> Mapping[int, int]:
        """Percent of the calls by version."""
        return self._shares.get(flow_id) or {self.published(flow_id).version: WHOLE}

    def all(self) -> list[Flow]:
        """The published version of every flow."""
        return [self.published(flow_id) for flow_id in sorted(self._flows)]


def read_catalogue(prompts_file: Path | None) -> Catalogue | None:
    """The prompts there are, by language; None when there is no list to check against."""
    if prompts_file is None or not prompts_file.is_file():
        return None
    # the loader in C where there is one: hundreds of prompts, read at every start
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    listed = yaml.load(prompts_file.read_text(encoding="utf-8"), Loader=loader)  # noqa: S506
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
