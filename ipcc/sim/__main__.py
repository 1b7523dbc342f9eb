"""The simulated switch alone, on a configuration folder of your choice: ``python -m ipcc.sim --listen HOST:PORT``."""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from ipcc.errors import Invalid
from ipcc.sim.esl_server import EslServer, ServerSettings
from ipcc.sim.esl_session import QUEUE_EVENTS
from ipcc.sim.settings import EngineSettings
from ipcc.sim.site import Site, engine_settings, make_spool
from ipcc.sim.switch import SimSwitch

_DEFAULT_PASSWORD = "ClueCon"  # noqa: S105  what every switch has until its configuration says otherwise


def options() -> argparse.ArgumentParser:
    """What can be set."""
    parser = argparse.ArgumentParser(prog="python -m ipcc.sim", description=__doc__)
    parser.add_argument("--listen", default="127.0.0.1:8021", metavar="HOST:PORT", help="port 0 takes a free one")
    parser.add_argument("--conf", type=Path, default=Path("freeswitch/conf"), help="the switch's configuration")
    parser.add_argument("--prompts", type=Path, default=Path("freeswitch/sounds/prompts.yaml"), help="texts of prompts")
    parser.add_argument("--sounds", type=Path, default=Path("var/sounds"), help="sound files, where there are any")
    parser.add_argument("--spool", type=Path, default=Path("var/spool"), help="where recordings are written")
    parser.add_argument("--password-file", type=Path, help="its first line is the event socket's password")
    parser.add_argument("--register", default="", metavar="1001,1002", help="phones that are registered from the start")
    parser.add_argument("--queue-events", type=int, default=QUEUE_EVENTS, help="events a client may leave unread")
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run until interrupted; 2 when something given is wrong."""
    given = options().parse_args(arguments)
    try:
        return asyncio.run(_run(given))
    except (Invalid, OSError, ValueError) as error:
        sys.stderr.write(f"ipcc.sim: {error}\n")
        return 2


async def _run(given: argparse.Namespace) -> int:
    host, _, port = given.listen.rpartition(":")
    if not host or not port.isdecimal():
        raise ValueError(f"--listen {given.listen}: HOST:PORT is wanted")
    site = Site(given.conf, given.prompts, spool=given.spool.resolve(), sounds=given.sounds.resolve())
    make_spool(site)
    settings = engine_settings(site)
    switch = SimSwitch(settings)
    server = EslServer(switch, ServerSettings(password=_password(given), queue_events=given.queue_events))
    await server.start(host, int(port))
    await switch.start()
    phones = [phone for phone in given.register.split(",") if phone]
    unknown = [phone for phone in phones if not switch.register(phone)]
    for line in _summary(site, settings, [phone for phone in phones if phone not in unknown]):
        sys.stdout.write(f"{line}\n")
    if unknown:
        sys.stdout.write(f"not in the directory  {', '.join(unknown)}\n")
    sys.stdout.write("event socket          {}:{}\n".format(*server.address))
    sys.stdout.flush()
    await _interrupted()
    await switch.stop()
    await server.close()
    return 0


def _password(given: argparse.Namespace) -> str:
    if given.password_file is None:
        return _DEFAULT_PASSWORD
    lines = given.password_file.read_text(encoding="utf-8").splitlines()
    if not lines or not lines[0].strip():
        raise ValueError(f"--password-file {given.password_file} is empty")
    return str(lines[0].strip())


def _summary(site: Site, settings: EngineSettings, registered: Sequence[str]) -> Iterator[str]:
    yield f"configuration         {site.conf}"
    for name, extensions in settings.dialplan.contexts.items():
        yield f"dialplan              {name}: {len(extensions)} extensions"
    users = [user.id for user in settings.users]
    yield f"directory             {settings.domain}: {len(users)} phones, {users[0]} to {users[-1]}"
    yield f"registered            {', '.join(registered) or 'none'}"
    yield f"gateways              {', '.join(f'{one.name} ({one.proxy})' for one in settings.gateways)}"
    yield f"sounds                {site.sounds}, else texts of {site.prompts}"
    yield f"spool                 {site.spool}"


async def _interrupted() -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(name, stop.set)
    await stop.wait()


if __name__ == "__main__":
    sys.exit(main())
