"""The pages of settings and metrics."""

from __future__ import annotations

from bankcore.settings import BankSettings
from ipcc.cli.plan import SERVICES
from ipcc.cli.suite import settings_class
from ipcc.metrics import all_metrics
from ipcc.settings import ServiceSettings, SettingDescription, describe
from tools.docs_table import page, table


def pages() -> dict[str, str]:
    """settings.md and metrics.md."""
    return {"settings.md": _settings(), "metrics.md": _metrics()}


def _settings() -> str:
    shared = describe(ServiceSettings)
    names = {row.name for row in shared}
    parts = [
        "A variable is `IPCC_<FIELD>` for all services or `IPCC_<SERVICE>__<FIELD>` for one, which wins; secrets come from files. "
        "A variable with our prefix that is not understood is an error that names it. "
        "`python -m services.<name> --show-settings` prints what a service goes by, secrets masked.",
        "## All services",
        _rows(shared),
    ]
    for name in (*SERVICES, "bankcore"):
        cls = BankSettings if name == "bankcore" else settings_class(name)
        own = [row for row in describe(cls) if row.name not in names]
        port = cls.model_fields["http_port"].default
        parts += [f"## {name}", f"Port {port} unless told otherwise." + ("" if own else " No settings of its own.")]
        parts += [_rows(own)] if own else []
    return page("Settings", *parts)


def _rows(rows: list[SettingDescription]) -> str:
    shown = [(f"`{row.name}`", _default(row), row.meaning) for row in rows]
    return table(("variable", "default", "meaning"), shown)


def _default(row: SettingDescription) -> str:
    return "" if row.default in ("", "None", "()", "{}") else f"`{row.default}`"


def _metrics() -> str:
    parts = ["`GET /metrics` of every service. Every sample also carries the label `service`."]
    for group in ("all services", *sorted({*SERVICES, "bankcore"})):
        found = [m for m in all_metrics() if _group(m.name) == group]
        if found:
            rows = [(f"`{m.name}`", m.kind.value, ", ".join(f"`{x}`" for x in m.labels), m.help) for m in found]
            parts += [f"## {group}", table(("metric", "kind", "labels", "meaning"), rows)]
    return page("Metrics", *parts)


def _group(name: str) -> str:
    service = name.split("_")[1]
    return service if service in (*SERVICES, "bankcore") else "all services"
