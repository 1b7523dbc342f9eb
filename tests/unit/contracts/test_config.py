"""What admin publishes is read by older releases too."""

from __future__ import annotations

from datetime import UTC, datetime

import orjson
import pytest
from pydantic import ValidationError

from ipcc.contracts.config import ConfigChanged, Queue
from ipcc.contracts.envelope import decode, encode, wrap


def test_a_queue_with_a_field_of_a_newer_release_is_read_without_it() -> None:
    data = ConfigChanged(kind="queue", object_id="retail", version=2, object=Queue(id="retail", name="Retail"))
    event = wrap(data, event_id="e1", source="admin/admin-0", time=datetime(2026, 3, 2, tzinfo=UTC))
    written = orjson.loads(encode(event))
    written["data"]["object"]["of_next_year"] = 5
    read = decode(orjson.dumps(written)).data
    assert isinstance(read, ConfigChanged)
    assert read == data


def test_what_is_saved_is_checked_strictly() -> None:
    with pytest.raises(ValidationError, match="of_next_year"):
        Queue.model_validate({"id": "retail", "name": "Retail", "of_next_year": 5})
