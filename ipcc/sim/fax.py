"""Facsimile: what the two ends of a leg tell of it, and when (mod_spandsp_fax.c). Pure; what is sent is pages with a size.

Held to recording 15d (audio, PCMU, one page) and to ``tests/traces/fax_t38.json``: a leg asks for T.38 where spandsp.conf or its
``fax_enable_t38_request`` says so (never with ``fax_enable_t38=false``), and is refused unless ``fax_enable_t38`` is set on both
legs, whatever spandsp.conf says of that. Beside it was measured on 1.10.12: a document of two pages, a far end that hangs up in the
middle or is no fax, and a file that is not there. A fax machine that is no leg of this switch has no T.38.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ipcc.sim import headers
from ipcc.sim.outputs import FaxReceived

if TYPE_CHECKING:
    from ipcc.sim.channels import Channel
    from ipcc.sim.settings import FaxPage
    from ipcc.sim.timeline import Steps

_BITS_S = 14400
_IDENT = "SpanDSP Fax Ident"
# from the beginning of the sender to his word that both agree, and from there to the receiver's, after the training
_AGREED_S, _TRAINED_S = 5.14, 1.97
# what agreeing takes longer with T.38
_T38_S = 1.54
# what the first and every later page takes beside its bits, its confirmation, and the goodbye of either side
_FIRST_PAGE_S, _NEXT_PAGE_S, _CONFIRMED_S = 5.62, 2.4, 1.12
_RECEIVER_DONE_S, _SENDER_DONE_S = 1.2, 0.97
_PATIENCE_S = 60.0
_NEGOTIATED = "negotiated"
_LOOK_S = 0.1
# fax_success, fax_result_code, fax_result_text
_OK = ("1", "0", "OK")
_DROPPED = ("0", "49", "The call dropped prematurely")
_SILENT = ("0", "2", "Timed out waiting for initial communication")
_FINE_Y = 5000


@dataclass
class FaxLeg:
    """A leg on which txfax or rxfax runs."""

    way: str
    path: str
    pages: tuple[FaxPage, ...] = ()
    agreed_at: float | None = None
    """When sender and receiver had found each other."""
    done: int = 0
    confirmed: list[float] = field(default_factory=list)
    t38: str = "off"
    """``off``, ``refused`` or ``negotiated``."""

    @property
    def moments(self) -> list[tuple[float, float]]:
        """When each page has arrived, and when the sender knows."""
        at = (self.agreed_at or 0.0) + _TRAINED_S
        found = []
        for number, page in enumerate(self.pages):
            at += (_NEXT_PAGE_S if number else _FIRST_PAGE_S) + page.size_bytes * 8 / _BITS_S
            found.append((at, at + _CONFIRMED_S))
            at += _CONFIRMED_S
        return found


def start_machine(channel: Channel | None) -> None:
    """The phone at this leg is a fax machine, and somebody pressed its start key: it receives what is sent to it."""
    if channel is not None:
        channel.is_fax_machine = True


def send(channel: Channel, path: str) -> Steps:
    """txfax: the pages of ``path`` to whatever fax is at the other end."""
    kernel = channel.kernel
    pages = kernel.settings.faxes(path)
    if not pages:
        channel.set_var("current_application_response", "Cannot send non-existant fax file")
        return
    leg = _begin(channel, FaxLeg("tx", path, pages))
    patience = kernel.now + _PATIENCE_S
    yield from _until(channel, kernel.now + _AGREED_S)
    while channel.is_ready and not _receives(channel) and kernel.now < patience:
        yield from _until(channel, kernel.now + _LOOK_S)
    if channel.is_ready and _receives(channel):
        _settle_t38(channel)
        if leg.t38 == _NEGOTIATED:
            yield from _until(channel, kernel.now + _T38_S)
        leg.agreed_at = kernel.now
        _tell(channel, "negociateresult", _agreed(leg))
        for _, confirmed_at in leg.moments:
            yield from _until(channel, confirmed_at)
            if not channel.is_ready:
                break
            leg.done += 1
            _tell(channel, "pageresult", _page(leg, leg.pages[leg.done - 1]))
        yield from _until(channel, kernel.now + _RECEIVER_DONE_S)
        if channel.is_fax_machine and leg.done == len(pages):
            kernel.put(FaxReceived(channel.uuid, "", path))
        yield from _until(channel, kernel.now + _SENDER_DONE_S)
    _finish(channel, leg, _SILENT if leg.agreed_at is None and channel.is_ready else _DROPPED)


def receive(channel: Channel, path: str) -> Steps:
    """rxfax: what a txfax at the other end sends, into ``path``."""
    kernel = channel.kernel
    leg = _begin(channel, FaxLeg("rx", path))
    patience = kernel.now + _PATIENCE_S
    while channel.is_ready and (sender := _sender_of(channel)) is None and kernel.now < patience:
        yield from _until(channel, kernel.now + _LOOK_S)
    if sender is not None and sender.agreed_at is not None:
        leg.agreed_at = sender.agreed_at
        yield from _until(channel, leg.agreed_at + _TRAINED_S)
        if channel.is_ready:
            _tell(channel, "negociateresult", _agreed(leg))
        for page, (arrived_at, _) in zip(sender.pages, sender.moments, strict=True):
            yield from _until(channel, arrived_at)
            if not channel.is_ready:
                break
            leg.done += 1
            leg.pages = (*leg.pages, page)
            _tell(channel, "pageresult", _page(leg, page))
        yield from _until(channel, kernel.now + _CONFIRMED_S + _RECEIVER_DONE_S)
        if leg.done == len(sender.pages):
            kernel.put(FaxReceived(channel.uuid, path, sender.path))
    _finish(channel, leg, _SILENT if leg.agreed_at is None and channel.is_ready else _DROPPED)


def _begin(channel: Channel, leg: FaxLeg) -> FaxLeg:
    channel.fax = leg
    channel.reads_linear = True
    channel.set_var("fax_v17_disabled", "0")
    channel.set_var("fax_ecm_requested", "0" if channel.var("fax_use_ecm") == "false" else "1")
    channel.set_var("fax_filename", leg.path)
    return leg


def _until(channel: Channel, when: float) -> Steps:
    """Nothing else runs on the leg meanwhile."""
    while channel.is_ready and channel.kernel.now < when - 1e-6:
        yield when


def _receives(channel: Channel) -> bool:
    far = channel.kernel.find(channel.far_end)
    return channel.is_fax_machine or (far is not None and far.fax is not None and far.fax.way == "rx")


def _sender_of(channel: Channel) -> FaxLeg | None:
    far = channel.kernel.find(channel.far_end)
    found = far.fax if far else None
    return found if found and found.way == "tx" and found.agreed_at is not None else None


def _settle_t38(channel: Channel) -> None:
    """Whether the two ends go over to T.38: told of both legs where both are of this switch."""
    far = channel.kernel.find(channel.far_end)
    legs = [one for one in (channel, far) if one is not None and one.fax is not None]
    is_agreed = len(legs) == 2 and all(leg.var("fax_enable_t38") == "true" for leg in legs)
    asking = [leg for leg in legs if _asks_for_t38(leg)]
    for leg in legs:
        if leg.fax is not None and asking:
            leg.fax.t38 = _NEGOTIATED if is_agreed else "refused" if leg in asking else "off"


def _asks_for_t38(channel: Channel) -> bool:
    if channel.var("fax_enable_t38") == "false":
        return False
    own = channel.var("fax_enable_t38_request")
    return channel.kernel.settings.fax_asks_for_t38 if own is None else own == "true"


def _tell(channel: Channel, what: str, fields: dict[str, str]) -> None:
    leg = channel.fax
    if leg is None:
        return
    for name, value in fields.items():
        channel.set_var(name.replace("-", "_"), value)
    told = {**headers.channel_headers(channel), **channel.variables.headers, "uuid": channel.uuid, **fields}
    channel.kernel.fire("CUSTOM", told, f"spandsp::{leg.way}fax{what}")


def _line(leg: FaxLeg) -> dict[str, str]:
    return {
        "fax-transfer-rate": str(_BITS_S),
        "fax-ecm-used": "off",
        "fax-t38-status": leg.t38,
        "fax-local-station-id": _IDENT,
        "fax-remote-station-id": _IDENT,
    }


def _agreed(leg: FaxLeg) -> dict[str, str]:
    return {**_line(leg), **({"fax-document-total-pages": "0"} if leg.way == "tx" else {})}


def _page(leg: FaxLeg, page: FaxPage) -> dict[str, str]:
    total = {"fax-document-total-pages": str(len(leg.pages))} if leg.way == "tx" else {}
    return {
        "fax-document-transferred-pages": str(leg.done),
        **total,
        "fax-image-resolution": _resolution(page),
        "fax-image-size": str(page.size_bytes),
        "fax-image-pixel-size": f"{page.width}x{page.height}",
        "fax-bad-rows": "0",
        "fax-longest-bad-row-run": "0",
        "fax-encoding": "4",
        "fax-encoding-name": "T.4 2-D",
    }


def _resolution(page: FaxPage) -> str:
    """Dots a metre: standard or fine, as T.30 has them."""
    return "8040x7700" if page.rows_per_m > _FINE_Y else "8040x3850"


def _finish(channel: Channel, leg: FaxLeg, otherwise: tuple[str, str, str]) -> None:
    """The result; a far end that hangs up once it has everything has got it (15d)."""
    is_whole = bool(leg.pages) and leg.agreed_at is not None and leg.done == len(leg.pages)
    success, code, text = _OK if is_whole else otherwise
    last = leg.pages[max(leg.done, 1) - 1] if leg.pages else None
    fields = {
        "fax-success": success,
        "fax-result-code": code,
        "fax-result-text": text,
        "fax-document-transferred-pages": str(leg.done),
        "fax-document-total-pages": str(len(leg.pages)),
        "fax-image-resolution": _resolution(last) if last else "8040x7700",
        "fax-image-size": str(last.size_bytes if last else 0),
        "fax-bad-rows": "0",
        **_line(leg),
    }
    _tell(channel, "result", fields)
    channel.fax = None
    channel.reads_linear = False
