"""Facsimile on the simulated switch: between two of its own legs, and with a fax machine at the other end."""

from pathlib import Path

from ipcc.sim.channels import Message
from ipcc.sim.fax import start_machine
from ipcc.sim.media import faxes_on_disk
from ipcc.sim.outputs import FaxReceived
from tests.unit.sim.bench import Bench


def execute(bench: Bench, uuid: str, app: str, argument: str) -> None:
    assert bench.engine.execute(uuid, Message("execute", app, argument, app, lock=True)) == "+OK"


def self_call(bench: Bench, extension: str = "9001") -> tuple[str, str]:
    """The switch calls itself: the leg that dials and the one that is called."""
    bench.engine.bgapi(
        "originate", f"{{origination_uuid=dialling}}sofia/external/{extension}@127.0.0.1:5080 &park", "j"
    )
    bench.run(0.2)
    called = bench.engine.kernel.channels["dialling"].far_end
    return "dialling", called


def told(bench: Bench, uuid: str) -> list[str]:
    return [str(event.subclass).removeprefix("spandsp::") for event in bench.events(uuid) if event.name == "CUSTOM"]


def result(bench: Bench, uuid: str, app: str) -> dict[str, str]:
    """The variables that say how it went, of the application's own end."""
    ends = [e for e in bench.events(uuid, "CHANNEL_EXECUTE_COMPLETE") if e.headers["Application"] == app]
    assert len(ends) == 1
    names = ("success", "result_code", "result_text", "document_transferred_pages", "document_total_pages")
    return {name: str(ends[0].headers.get(f"variable_fax_{name}", "")) for name in names}


def test_two_pages_go_from_one_leg_to_the_other_and_both_say_so() -> None:
    bench = Bench()
    dialling, called = self_call(bench)
    execute(bench, called, "rxfax", "/f/got.tif")
    execute(bench, dialling, "txfax", "/f/two.tif")
    bench.run(90)
    pages = ["pageresult", "pageresult"]
    assert told(bench, dialling) == [f"txfax{what}" for what in ("negociateresult", *pages, "result")]
    assert told(bench, called) == [f"rxfax{what}" for what in ("negociateresult", *pages, "result")]
    for uuid, app in ((dialling, "txfax"), (called, "rxfax")):
        found = result(bench, uuid, app)
        assert found == {
            "success": "1",
            "result_code": "0",
            "result_text": "OK",
            "document_transferred_pages": "2",
            "document_total_pages": "2",
        }
    received = [output for output in bench.outputs if isinstance(output, FaxReceived)]
    assert received == [FaxReceived(called, "/f/got.tif", "/f/two.tif")]


def test_a_receiver_that_is_started_late_gets_it_all_the_same() -> None:
    bench = Bench()
    dialling, called = self_call(bench)
    execute(bench, dialling, "txfax", "/f/one.tif")
    bench.run(20)
    assert told(bench, dialling) == []
    execute(bench, called, "rxfax", "/f/got.tif")
    bench.run(40)
    assert result(bench, dialling, "txfax")["success"] == "1"


def test_a_far_end_that_hangs_up_in_the_middle_has_dropped_the_call() -> None:
    bench = Bench()
    dialling, called = self_call(bench)
    execute(bench, called, "rxfax", "/f/got.tif")
    execute(bench, dialling, "txfax", "/f/two.tif")
    bench.run(30)
    bench.api("uuid_kill", called)
    bench.run(1)
    found = result(bench, dialling, "txfax")
    assert (found["success"], found["result_code"]) == ("0", "49")
    assert found["document_transferred_pages"] == "1"
    assert not [output for output in bench.outputs if isinstance(output, FaxReceived)]


def test_somebody_who_is_no_fax_is_called_for_a_minute() -> None:
    bench = Bench()
    uuid = bench.call()
    execute(bench, uuid, "txfax", "/f/one.tif")
    bench.run(59)
    assert told(bench, uuid) == []
    bench.run(2)
    assert told(bench, uuid) == ["txfaxresult"]
    assert result(bench, uuid, "txfax")["result_text"] == "Timed out waiting for initial communication"
    assert bench.api("uuid_exists", uuid) == "true"


def test_a_file_that_is_not_there_ends_at_once_and_the_call_stays() -> None:
    bench = Bench()
    uuid = bench.call()
    execute(bench, uuid, "txfax", "/f/nothing.tif")
    bench.run(0.2)
    ends = [e for e in bench.events(uuid, "CHANNEL_EXECUTE_COMPLETE") if e.headers["Application"] == "txfax"]
    assert [end.headers["Application-Response"] for end in ends] == ["Cannot send non-existant fax file"]
    assert bench.api("uuid_exists", uuid) == "true"


def test_a_caller_at_a_fax_machine_presses_start_while_he_is_called() -> None:
    bench = Bench()
    uuid = bench.call()
    execute(bench, uuid, "txfax", "/f/one.tif")
    bench.run(12)
    start_machine(bench.engine.kernel.find(uuid))
    bench.run(40)
    assert result(bench, uuid, "txfax")["success"] == "1"
    assert [output for output in bench.outputs if isinstance(output, FaxReceived)] == [
        FaxReceived(uuid, "", "/f/one.tif")
    ]


def test_keys_sent_to_a_leg_of_this_switch_are_pressed_there() -> None:
    bench = Bench()
    dialling, called = self_call(bench)
    bench.api("uuid_send_dtmf", f"{dialling} 42")
    bench.run(0.1)
    assert [event.headers["DTMF-Digit"] for event in bench.events(called, "DTMF")] == ["4", "2"]


def test_a_called_leg_that_ends_takes_the_dialling_one_with_it() -> None:
    bench = Bench()
    dialling, called = self_call(bench)
    bench.api("uuid_kill", called)
    bench.run(0.2)
    assert bench.engine.kernel.channels == {}
    ended = bench.events(dialling, "CHANNEL_HANGUP_COMPLETE")[0]
    assert ended.headers["variable_sip_hangup_disposition"] == "recv_bye"


def test_an_extension_that_is_not_there_refuses_the_switch_s_own_call() -> None:
    bench = Bench()
    bench.engine.bgapi("originate", "{origination_uuid=d}sofia/external/none@127.0.0.1:5080 &park", "j")
    bench.run(0.5)
    assert bench.engine.kernel.channels == {}


def test_what_is_no_tiff_has_no_pages(tmp_path: Path) -> None:
    (tmp_path / "x.tif").write_bytes(b"RIFF, which is sound")
    assert faxes_on_disk()(str(tmp_path / "x.tif")) == ()
    assert faxes_on_disk()(str(tmp_path / "none.tif")) == ()
