"""The published flows: documents in a folder, one file a version, checked when read."""

from __future__ import annotations

import json
from pathlib import Path

from ipcc.errors import Invalid, NotFound
from services.ivr.core.flow import Flow, parse


class FlowStore:
    """Flows by id; of several versions the highest is the published one. Calls in progress keep the version they began with."""

    def __init__(self, flows: dict[str, dict[int, Flow]]) -> None:
        self._flows = flows

    @classmethod
    def read(cls, folder: Path) -> FlowStore:
        """Every ``*.json`` in ``folder``. Raises Invalid naming file, node and reason: a wrong flow is not half loaded."""
        flows: dict[str, dict[int, Flow]] = {}
        for path in sorted(folder.glob("*.json")):
            flow = _read(path)
            versions = flows.setdefault(flow.id, {})
            if flow.version in versions:
                raise Invalid("flow.twice", f"{path}: flow {flow.id} has a version {flow.version} already")
            versions[flow.version] = flow
        if not flows:
            raise Invalid("flow.none", f"there is no flow (*.json) in {folder}: set IPCC_IVR__FLOWS_DIR")
        return cls(flows)

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


def _read(path: Path) -> Flow:
    try:
        return parse(json.loads(path.read_text(encoding="utf-8")))
    except (ValueError, OSError) as error:
        raise Invalid("flow.invalid", f"{path}: {error}") from error
    except Invalid as error:
        raise Invalid(error.code, f"{path}: {error.message}", **error.details) from error
