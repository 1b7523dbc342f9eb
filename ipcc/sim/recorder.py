"""Writes the files of the recordings a switch makes: a little every few seconds, the rest before the end is announced."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from pathlib import Path

import structlog

from ipcc.sim.channels import Channel
from ipcc.sim.kernel import Kernel
from ipcc.sim.media import RecordingFile, place_of
from ipcc.sim.outputs import FaxReceived, Output, RecordingStarted, RecordingStopped
from ipcc.sim.settings import Spool

log = structlog.get_logger(__name__)


@dataclass
class _Open:
    started: RecordingStarted
    file: RecordingFile


@dataclass
class Recorder:
    """All files being written. Appending a few seconds of sound costs well under a millisecond, so no thread is needed."""

    kernel: Kernel
    root: Path | None = None
    _open: dict[tuple[str, str], _Open] = field(default_factory=dict)

    def hear(self, output: Output) -> None:
        """Begin or end a file; a disk that fails is logged and, as on the switch, nobody else is told (fact 38)."""
        if isinstance(output, RecordingStarted):
            self._begin(output)
        elif isinstance(output, RecordingStopped):
            self._end(output)
        elif isinstance(output, FaxReceived) and output.path:
            self._keep(output)

    def _keep(self, received: FaxReceived) -> None:
        try:
            shutil.copyfile(place_of(received.source, self.root), place_of(received.path, self.root))
        except OSError as error:
            log.warning("sim_fax_failed", path=received.path, error=str(error))

    def write(self) -> None:
        """Bring every file up to now."""
        for entry in list(self._open.values()):
            channel = self.kernel.channels.get(entry.started.uuid)
            masked = _masked(channel, entry.started) if channel else ()
            self._append(entry, self.kernel.now - entry.started.at, masked)

    def close(self) -> None:
        """The switch is gone: its files end where they are."""
        while self._open:
            self._open.popitem()[1].file.close()

    def _begin(self, started: RecordingStarted) -> None:
        spool = self.kernel.settings.spool(started.path)
        if spool not in (Spool.WRITABLE, Spool.NO_FOLDER):
            return
        try:
            file = RecordingFile(place_of(started.path, self.root), started.stereo, started.alone)
        except OSError as error:
            log.warning("sim_recording_failed", path=started.path, error=str(error))
            return
        self._open[(started.uuid, started.path)] = _Open(started, file)

    def _end(self, stopped: RecordingStopped) -> None:
        entry = self._open.pop((stopped.uuid, stopped.path), None)
        if entry is None:
            return
        if not stopped.kept:
            entry.file.discard()
            return
        self._append(entry, stopped.ended - stopped.started, stopped.masked)
        entry.file.close()

    def _append(self, entry: _Open, seconds: float, masked: tuple[tuple[float, float], ...]) -> None:
        try:
            entry.file.write_until(seconds, masked)
        except OSError as error:
            log.warning("sim_recording_failed", path=entry.started.path, error=str(error))


def _masked(channel: Channel, started: RecordingStarted) -> tuple[tuple[float, float], ...]:
    if started.alone:
        return channel.voice.silences(started.at, channel.kernel.now)
    for recording in channel.recordings:
        if recording.path == started.path:
            now = channel.kernel.now - recording.started
            still = [(recording.masked_since, now)] if recording.masked_since is not None else []
            return (*recording.masked, *still)
    return ()
