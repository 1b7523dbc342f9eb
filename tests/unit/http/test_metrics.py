"""Metrics are declared in one place and each service keeps its own."""

from __future__ import annotations

import re

import pytest

from ipcc import metrics
from ipcc.metrics import HTTP_DURATION, HTTP_REQUESTS, Kind, Metrics

UNITS = ("_total", "_seconds", "_count", "_bytes", "_ratio", "_status")


@pytest.mark.parametrize("metric", metrics.all_metrics(), ids=lambda m: m.name)
def test_a_metric_has_a_name_with_unit_and_a_help_sentence(metric: metrics.Metric) -> None:
    assert re.fullmatch(r"ipcc_[a-z]+_[a-z_]+", metric.name)
    assert metric.name.endswith(UNITS)
    assert (metric.kind is Kind.COUNTER) == metric.name.endswith("_total")
    assert metric.help.endswith(".")


def test_two_services_in_one_process_do_not_share_a_count() -> None:
    one, two = Metrics("acd"), Metrics("ivr")
    one.count(HTTP_REQUESTS, method="GET", route="/v1/queues", status="200")
    labels = {"method": "GET", "route": "/v1/queues", "status": "200"}
    assert (one.value(HTTP_REQUESTS, **labels), two.value(HTTP_REQUESTS, **labels)) == (1.0, 0.0)
    assert b'service="acd"' in one.render()


def test_a_timed_block_is_measured_even_when_it_fails() -> None:
    own = Metrics("acd")
    with pytest.raises(ValueError, match="x"), own.timed(HTTP_DURATION, method="GET", route="/"):
        raise ValueError("x")
    assert own.value(HTTP_DURATION, method="GET", route="/") == 1.0


def test_a_counter_cannot_be_put() -> None:
    with pytest.raises(TypeError, match="is a counter"):
        Metrics("acd").put(HTTP_REQUESTS, 1)
