"""Settings come from the environment and secret files, and nothing misspelt passes for a default."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import ClassVar

import pytest
from pydantic import Field

from ipcc.errors import Invalid
from ipcc.settings import ServiceSettings, SwitchAddress, describe, load, settings_from_command_line, show


class DemoSettings(ServiceSettings):
    service: ClassVar[str] = "admin"
    http_port: int = 8108
    seed: str = Field("none", description="Only this service has it.")


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("IPCC_")]:
        monkeypatch.delenv(name)


def test_without_any_variable_a_service_runs_on_one_machine() -> None:
    settings = load(DemoSettings)
    assert (settings.http_host, settings.http_port, settings.kafka) == ("127.0.0.1", 8108, "memory")
    assert settings.database == "sqlite+aiosqlite:///var/admin.db"


def test_a_variable_of_one_service_wins_over_the_shared_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IPCC_LOG_LEVEL", "ERROR")
    monkeypatch.setenv("IPCC_HTTP_PORT", "1")
    monkeypatch.setenv("IPCC_ADMIN__HTTP_PORT", "2")
    settings = load(DemoSettings)
    assert (settings.http_port, settings.log_level) == (2, "ERROR")


@pytest.mark.parametrize(
    ("variable", "told"),
    [
        ("IPCC_KAFKAA", "did you mean IPCC_KAFKA?"),
        ("IPCC_ADMIN__SED", "did you mean IPCC_ADMIN__SEED?"),
        ("IPCC_SEED", "write IPCC_ADMIN__SEED"),
        ("ipcc_kafkaa", "ipcc_kafkaa is not a setting"),
    ],
)
def test_a_misspelt_variable_is_an_error_that_names_it(
    variable: str, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, "x")
    with pytest.raises(Invalid) as refused:
        load(DemoSettings)
    assert variable in refused.value.message
    assert told in refused.value.message


def test_variables_of_other_services_are_left_to_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IPCC_ACD__ANYTHING", "x")
    assert load(DemoSettings).seed == "none"


def test_switches_are_read_from_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IPCC_SWITCHES", "fs1=192.0.2.1:8021, 192.0.2.2:8022")
    assert load(DemoSettings).switches == (
        SwitchAddress.parse("fs1=192.0.2.1:8021"),
        SwitchAddress.parse("192.0.2.2=192.0.2.2:8022"),
    )


def test_a_switch_without_port_is_refused_with_an_example(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IPCC_SWITCHES", "fs1")
    with pytest.raises(Invalid, match="for example fs1="):
        load(DemoSettings)


def test_secrets_come_from_files_and_are_never_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "db").write_text("p@ss/word\n")
    monkeypatch.setenv("IPCC_DATABASE_URL", "postgresql://ipcc@db.example/ipcc")
    monkeypatch.setenv("IPCC_DATABASE_PASSWORD_FILE", str(tmp_path / "db"))
    settings = load(DemoSettings)
    assert settings.database == "postgresql+asyncpg://ipcc:p%40ss%2Fword@db.example/ipcc"
    shown = show(settings)
    assert "word@" not in shown
    assert json.loads(shown)["database_url"] == "postgresql+asyncpg://ipcc:***@db.example/ipcc"


def test_a_folder_of_secrets_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "ipcc_esl_password").write_text("quiet")
    monkeypatch.setenv("IPCC_SECRETS_DIR", str(tmp_path))
    password = load(DemoSettings).esl_password
    assert password is not None
    assert password.get_secret_value() == "quiet"


def test_a_missing_secret_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="nowhere"):
        load(DemoSettings, esl_password_file=tmp_path / "nowhere")


def test_no_authentication_is_refused_off_loopback() -> None:
    with pytest.raises(Invalid, match="loopback only"):
        load(DemoSettings, auth_mode="none", http_host="0.0.0.0")


def test_every_setting_has_a_meaning() -> None:
    rows = describe(DemoSettings)
    assert [row.name for row in rows if not row.meaning and row.name != "IPCC_HTTP_PORT"] == []
    assert "IPCC_ADMIN__SEED" in {row.name for row in rows}


def test_show_settings_prints_and_ends(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        settings_from_command_line(DemoSettings, ["--show-settings"])
    assert ended.value.code == 0
    assert '"service": "admin"' in capsys.readouterr().out


def test_an_unknown_argument_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        settings_from_command_line(DemoSettings, ["--prot"])
    assert ended.value.code == 2
    assert "--prot" in capsys.readouterr().err
