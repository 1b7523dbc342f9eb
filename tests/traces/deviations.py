"""Differences from the recordings that are meant to be there, each with its reason. The list may only shrink."""

import re
from dataclasses import dataclass

from tests.traces.differences import Difference


@dataclass(frozen=True)
class Deviation:
    """Differences whose text matches, in the recordings whose name matches."""

    names: str
    text: str
    reason: str


DEVIATIONS = (
    Deviation("01a", r"api help:", "the list of commands is that of this switch"),
    Deviation("01a", r"api show modules", "the list of modules is that of this switch"),
    Deviation("01a", r"api sofia (xml)?status", "SIP profiles are shown with the fields this switch has"),
    Deviation("01a", r"api uptime", "the start of the recorded switch is known to half a second only"),
    Deviation("01a", r"api callcenter_config", "mod_callcenter is not simulated: acd takes its place"),
    Deviation(
        "04[bkp]|05[km]",
        r"\[out1\] leg A: 0 missing CHANNEL_PARK",
        "the park of `socket` and the server's `myevents` come 2 ms apart and raced: in the recordings of the same kind the other one won",
    ),
    Deviation(
        "09g",
        r"leg B: 11 CHANNEL_HANGUP Channel-State: 'CS_PARK'",
        "both hang up within 9 ms: the switch was between the end of the bridge and the park, which takes microseconds",
    ),
    Deviation(
        "13b",
        r"CHANNEL_HANGUP_COMPLETE variable_bridge_hangup_cause: '' became",
        "the owner of a bridge notes its cause on the other leg while that one reports: in 31 of 50 calls it was too late",
    ),
    Deviation(
        "13b",
        r"leg <83>: [456] ",
        "one phone of 50 rang while its leg was still between two states, which takes microseconds",
    ),
    Deviation(
        "13e",
        r"CHANNEL_HANGUP_COMPLETE variable_(duration|billsec)",
        "the recorded switch stood still for 6 s: the client that stalled it and the flood are not in the recording",
    ),
    Deviation(
        "02b",
        r"reply 3: api show registrations",
        "of refreshes with new Call-IDs the list shows the first in 01a and 01i, the last one here: why is not known",
    ),
    Deviation("01a", r"api time_test", "the clock of this switch has no scheduling delay"),
)


def reason(name: str, difference: Difference) -> str | None:
    """Why this difference is accepted, None when it is not."""
    for deviation in DEVIATIONS:
        if re.match(deviation.names, name) and re.search(deviation.text, str(difference)):
            return deviation.reason
    return None
