"""Recordings as files: length, channels, tones, silence."""

from __future__ import annotations

import array
import itertools
import wave
from pathlib import Path

import pytest

from ipcc.sim.media import OWN_TONE_HZ, RATE, RecordingFile, sounds_on_disk, spool_on_disk
from ipcc.sim.settings import Spool


def samples(path: Path) -> tuple[int, array.array[int]]:
    with wave.open(str(path), "rb") as sound:
        assert (sound.getframerate(), sound.getsampwidth()) == (RATE, 2)
        return sound.getnchannels(), array.array("h", sound.readframes(sound.getnframes()))


def loudest(part: array.array[int]) -> int:
    return max((abs(value) for value in part), default=0)


@pytest.mark.parametrize("stereo", [True, False])
def test_a_recording_is_as_long_as_it_was(tmp_path: Path, stereo: bool) -> None:
    file = RecordingFile(tmp_path / "new" / "a.wav", stereo)
    file.write_until(0.7, ())
    file.write_until(2.5, ())
    file.close()
    channels, values = samples(tmp_path / "new" / "a.wav")
    assert channels == (2 if stereo else 1)
    assert len(values) / channels == 2.5 * RATE


def test_masked_time_is_silent_on_both_sides_and_only_that(tmp_path: Path) -> None:
    file = RecordingFile(tmp_path / "a.wav", stereo=True)
    file.write_until(1.5, ((1.0, 1.5),))
    file.write_until(3.0, ((1.0, 2.0),))
    file.close()
    _, values = samples(tmp_path / "a.wav")
    second = RATE * 2
    assert loudest(values[second : 2 * second]) == 0
    assert loudest(values[:second]) > 1000
    assert loudest(values[2 * second :]) > 1000


def test_each_party_has_a_tone_of_its_own(tmp_path: Path) -> None:
    file = RecordingFile(tmp_path / "a.wav", stereo=True)
    file.write_until(1.0, ())
    file.close()
    _, values = samples(tmp_path / "a.wav")
    crossings = [sum(1 for a, b in itertools.pairwise(side) if a < 0 <= b) for side in (values[0::2], values[1::2])]
    assert [round(count, -1) for count in crossings] == [400, 600]


def test_a_recording_thrown_away_leaves_no_file(tmp_path: Path) -> None:
    file = RecordingFile(tmp_path / "a.wav", stereo=False)
    file.discard()
    assert not (tmp_path / "a.wav").exists()


def test_sounds_play_as_long_as_their_files(tmp_path: Path) -> None:
    file = RecordingFile(tmp_path / "a.wav", stereo=False)
    file.write_until(1.25, ())
    file.close()
    assert sounds_on_disk()(str(tmp_path / "a.wav")) == 1.25
    assert sounds_on_disk()(str(tmp_path / "b.wav")) is None
    assert sounds_on_disk(2.0)(str(tmp_path / "b.wav")) == 2.0


def test_a_spool_tells_folders_that_are_there_that_can_be_made_and_that_cannot(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "folder").mkdir()
    answer = spool_on_disk(tmp_path)
    assert answer("/file/x.wav") is Spool.IMPOSSIBLE
    assert answer("/folder/x.wav") is Spool.WRITABLE
    assert answer("/folder/new/newer/x.wav") is Spool.NO_FOLDER
    assert not (tmp_path / "folder" / "new").exists()


def test_of_one_phone_alone_only_its_own_tone_is_written(tmp_path: Path) -> None:
    file = RecordingFile(tmp_path / "a.wav", stereo=False, alone=True)
    file.write_until(1.0, ())
    file.close()
    _, values = samples(tmp_path / "a.wav")
    assert round(sum(1 for a, b in itertools.pairwise(values) if a < 0 <= b), -1) == OWN_TONE_HZ
