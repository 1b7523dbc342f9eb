"""Every metric of the product, declared once with help, unit and labels; the page of metrics and the boards are made from this list.

A name is ``ipcc_<service or layer>_<what>_<unit>``. Each service owns a registry, so that several can live in one process;
every sample carries the label ``service``. No label may hold a call, a customer or a telephone number.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from time import perf_counter

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

FAST_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
HUMAN_SECONDS = (1.0, 2.0, 5.0, 10.0, 15.0, 20.0, 30.0, 45.0, 60.0, 90.0, 120.0, 180.0, 300.0, 600.0, 1200.0, 3600.0)


class Kind(StrEnum):
    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


@dataclass(frozen=True)
class Metric:
    """One declaration; ``name`` as it is scraped (counters end in ``_total``)."""

    name: str
    kind: Kind
    help: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = FAST_SECONDS


def _counter(name: str, text: str, *labels: str) -> Metric:
    return Metric(name, Kind.COUNTER, text, labels)


def _gauge(name: str, text: str, *labels: str) -> Metric:
    return Metric(name, Kind.GAUGE, text, labels)


def _histogram(name: str, text: str, *labels: str, buckets: tuple[float, ...] = FAST_SECONDS) -> Metric:
    return Metric(name, Kind.HISTOGRAM, text, labels, buckets)


# --- every service -------------------------------------------------------------------------------
HEALTH_STATUS = _gauge("ipcc_health_status", "1 when the named check of the service passes, 0 when it fails.", "check")
HTTP_REQUESTS = _counter("ipcc_http_requests_total", "Requests answered.", "method", "route", "status")
HTTP_DURATION = _histogram("ipcc_http_request_duration_seconds", "Time from request to answer.", "method", "route")
WEBSOCKET_CLIENTS = _gauge("ipcc_websocket_clients_count", "Clients connected to the event stream.", "stream")
WEBSOCKET_DROPPED = _counter("ipcc_websocket_dropped_total", "Clients cut off because they read too slowly.", "stream")
DB_ERRORS = _counter("ipcc_db_errors_total", "Transactions that failed because the database did not answer.")
OUTBOX_PENDING = _gauge("ipcc_outbox_pending_count", "Facts stored and not yet published.")
AUTH_REFUSED = _counter("ipcc_auth_refused_total", "Requests refused for want of a valid token or a role.", "reason")
# --- admin ---------------------------------------------------------------------------------------
ADMIN_OBJECTS = _gauge("ipcc_admin_objects_count", "Configuration objects in force.", "kind")
ADMIN_CHANGES = _counter(
    "ipcc_admin_changes_total", "Configuration objects created, changed or deleted.", "kind", "action"
)
# --- ctiserver -----------------------------------------------------------------------------------
CTI_EVENTS = _counter("ipcc_ctiserver_switch_events_total", "Events heard from a switch.", "node")
CTI_MALFORMED = _counter("ipcc_ctiserver_malformed_events_total", "Events of a switch that could not be read.", "node")
CTI_REPEATED = _counter("ipcc_ctiserver_repeated_events_total", "Events of a switch that came twice.", "node")
CTI_EVENT_LAG = _histogram(
    "ipcc_ctiserver_event_lag_seconds", "From the switch's clock to having told it, clock differences included.", "node"
)
CTI_UNSENT = _gauge("ipcc_ctiserver_unsent_count", "Facts not yet acknowledged by the broker.")
CTI_DROPPED = _counter("ipcc_ctiserver_dropped_total", "Facts dropped because too many were waiting; looks repair it.")
CTI_LIVE_CALLS = _gauge("ipcc_ctiserver_live_calls_count", "Calls whose end has not been told.")
CTI_LIVE_LEGS = _gauge("ipcc_ctiserver_live_legs_count", "Legs whose end has not been told.", "node")
CTI_NODES_HELD = _gauge("ipcc_ctiserver_nodes_held_count", "Switches this replica is the ear of.")
CTI_WEBHOOKS = _counter(
    "ipcc_ctiserver_webhook_posts_total", "Messages posted to webhooks, by what became of them.", "result"
)
CTI_LOOK_DURATION = _histogram("ipcc_ctiserver_look_duration_seconds", "Time to ask a switch for all it holds.", "node")
CTI_REPAIRS = _counter("ipcc_ctiserver_repairs_total", "Facts told because a look found them missing.", "node", "type")
CTI_GHOSTS = _counter("ipcc_ctiserver_ghosts_total", "Legs hung up that a failed bridge had left behind.", "node")
CTI_CONTROL = _counter(
    "ipcc_ctiserver_control_total", "Call-control requests, by what became of them.", "verb", "result"
)
# --- acd -----------------------------------------------------------------------------------------
ACD_WAITING = _gauge("ipcc_acd_waiting_count", "Contacts in the queue, offered ones included.", "queue")
ACD_LONGEST_WAIT = _gauge("ipcc_acd_longest_wait_seconds", "How long the first in the queue has waited.", "queue")
ACD_AGENTS = _gauge("ipcc_acd_agents_count", "Agents by state now.", "state")
ACD_OFFERS = _counter("ipcc_acd_offers_total", "Offers ended.", "queue", "outcome")
ACD_WAITS_FORETOLD = _counter(
    "ipcc_acd_waits_foretold_total",
    "Waits of answered contacts beside the range foretold when they came: inside should be four of five.",
    "queue",
    "was",
)
ACD_INPUTS = _counter("ipcc_acd_inputs_total", "Commands, facts and results decided.", "kind")
ACD_INPUTS_UNRECORDED = _counter(
    "ipcc_acd_inputs_unrecorded_total",
    "Inputs decided that could not be written to inputs_dir: the disk is full, or gone.",
)
ACD_DECISION_DURATION = _histogram("ipcc_acd_decision_duration_seconds", "Time one decision took, without storing it.")
ACD_STORE_DURATION = _histogram(
    "ipcc_acd_store_duration_seconds", "Time until the events of decisions were acknowledged."
)
ACD_OWNED = _gauge("ipcc_acd_domains_owned_count", "Routing domains decided here.")
# --- ivr -----------------------------------------------------------------------------------------
IVR_SESSIONS = _gauge("ipcc_ivr_sessions_count", "Callers walking through a flow in this replica now.")
IVR_MIRROR_SESSIONS = _gauge(
    "ipcc_ivr_mirror_sessions_count", "Callers walking through a flow in all replicas, as this one knows."
)
IVR_MIRROR_BEHIND = _gauge(
    "ipcc_ivr_mirror_behind_seconds", "How old what is known here of the sessions of other replicas may be."
)
IVR_SESSIONS_ENDED = _counter("ipcc_ivr_sessions_ended_total", "Sessions that ended, by how.", "outcome")
IVR_BANK_DURATION = _histogram(
    "ipcc_ivr_bank_operation_duration_seconds", "Time the bank core took.", "operation", "outcome"
)
IVR_FAXES = _counter("ipcc_ivr_faxes_total", "Tries to fax something to a caller, by how they went.", "outcome")
IVR_FAX_JOBS = _gauge("ipcc_ivr_fax_jobs_count", "Faxes to numbers that are not over.")
IVR_RECOGNITION_DURATION = _histogram(
    "ipcc_ivr_recognition_duration_seconds",
    "Time the recogniser took for one utterance, by what came of it and how sure it was.",
    "outcome",
    "confidence",
)
IVR_FACTS_WAITING = _gauge("ipcc_ivr_facts_waiting_count", "Session facts not yet acknowledged by the broker.")
# --- record --------------------------------------------------------------------------------------
RECORD_COLLECTED = _counter("ipcc_record_collected_total", "Recordings collected: stored, or what was wrong.", "result")
RECORD_SPOOL_ERRORS = _counter(
    "ipcc_record_spool_errors_total", "Times the spool or the store could not be read or written."
)
# --- outbound ------------------------------------------------------------------------------------
OUTBOUND_ATTEMPTS = _counter("ipcc_outbound_attempts_total", "Attempts that ended, by how.", "outcome")
# --- monitor -------------------------------------------------------------------------------------
MONITOR_WAITING = _gauge("ipcc_monitor_waiting_count", "Contacts waiting in the queue now.", "queue")
MONITOR_LONGEST_WAIT = _gauge(
    "ipcc_monitor_longest_wait_seconds", "How long the first in the queue has waited.", "queue"
)
MONITOR_VOICEMAILS = _gauge(
    "ipcc_monitor_voicemails_count",
    "Voicemails of the queue now: waiting, taken, or waiting past their time.",
    "queue",
    "state",
)
MONITOR_OLDEST_VOICEMAIL = _gauge(
    "ipcc_monitor_oldest_voicemail_seconds",
    "How long the oldest voicemail has waited for somebody to take it.",
    "queue",
)
MONITOR_SERVICE_LEVEL = _gauge("ipcc_monitor_service_level_ratio", "Answered in time of all that ended today.", "queue")
MONITOR_ENTRIES = _gauge(
    "ipcc_monitor_entries_count", "Stays in the queue today, by how they ended.", "queue", "outcome"
)
MONITOR_AGENTS = _gauge("ipcc_monitor_agents_count", "Agents by state now.", "state")
MONITOR_CALLS = _gauge("ipcc_monitor_calls_count", "Calls in progress.")
MONITOR_SWITCH_SESSIONS = _gauge("ipcc_monitor_switch_sessions_count", "Legs on the switch by its heartbeat.", "node")
MONITOR_ALERTS = _counter("ipcc_monitor_alerts_total", "Invariants seen broken.", "rule")
# --- bankcore (the stand-in) ---------------------------------------------------------------------
BANKCORE_OPERATIONS = _counter("ipcc_bankcore_operations_total", "Bank operations asked for.", "operation", "result")


def all_metrics() -> list[Metric]:
    """Every declaration of this module, by name."""
    return sorted((m for m in globals().values() if isinstance(m, Metric)), key=lambda m: m.name)


@dataclass
class Metrics:
    """The metrics of one service; a metric appears on ``/metrics`` once it was used."""

    service: str
    registry: CollectorRegistry = field(default_factory=CollectorRegistry)
    _made: dict[str, Counter | Gauge | Histogram] = field(default_factory=dict)

    def count(self, metric: Metric, amount: float = 1, **labels: str) -> None:
        """Add ``amount`` to a counter."""
        child = self._child(metric, Kind.COUNTER, labels)
        if isinstance(child, Counter):
            child.inc(amount)

    def put(self, metric: Metric, value: float, **labels: str) -> None:
        """Set a gauge."""
        child = self._child(metric, Kind.GAUGE, labels)
        if isinstance(child, Gauge):
            child.set(value)

    def observe(self, metric: Metric, value: float, **labels: str) -> None:
        """Add one measure to a histogram; durations in seconds."""
        child = self._child(metric, Kind.HISTOGRAM, labels)
        if isinstance(child, Histogram):
            child.observe(value)

    @contextmanager
    def timed(self, metric: Metric, **labels: str) -> Iterator[None]:
        """Observe how long the block took."""
        start = perf_counter()
        try:
            yield
        finally:
            self.observe(metric, perf_counter() - start, **labels)

    def render(self) -> bytes:
        """What Prometheus scrapes, content type ``CONTENT_TYPE``."""
        return generate_latest(self.registry)

    def value(self, metric: Metric, **labels: str) -> float:
        """What the metric shows now (of a histogram: the number of measures); 0 when never used. For tests and health."""
        suffix = "_count" if metric.kind is Kind.HISTOGRAM else ""
        return self.registry.get_sample_value(metric.name + suffix, {"service": self.service, **labels}) or 0.0

    def _child(self, metric: Metric, kind: Kind, labels: dict[str, str]) -> Counter | Gauge | Histogram:
        if metric.kind is not kind:
            raise TypeError(f"{metric.name} is a {metric.kind}, not a {kind}")
        return self._collector(metric).labels(service=self.service, **labels)

    def _collector(self, metric: Metric) -> Counter | Gauge | Histogram:
        made = self._made.get(metric.name)
        if made is None:
            made = self._made[metric.name] = self._make(metric)
        return made

    def _make(self, metric: Metric) -> Counter | Gauge | Histogram:
        labels = ("service", *metric.labels)
        if metric.kind is Kind.COUNTER:
            return Counter(metric.name, metric.help, labels, registry=self.registry)
        if metric.kind is Kind.GAUGE:
            return Gauge(metric.name, metric.help, labels, registry=self.registry)
        return Histogram(metric.name, metric.help, labels, buckets=metric.buckets, registry=self.registry)
