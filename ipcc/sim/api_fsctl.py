"""``fsctl``: pausing, limits and checks, as recorded in 01a and 01m. Pure."""

from __future__ import annotations

from ipcc.sim.kernel import Kernel

_USAGE = (
    "-USAGE: [api_expansion [on|off]|recover|send_sighup|hupall|pause [inbound|outbound]|resume [inbound|outbound]|"
    "shutdown [cancel|elegant|asap|now|restart]|sps|sps_peak_reset|sync_clock|sync_clock_when_idle|reclaim_mem|"
    "max_sessions|min_dtmf_duration [num]|max_dtmf_duration [num]|default_dtmf_duration [num]|min_idle_cpu|"
    "loglevel [level]|debug_level [level]|mdns_resolve [enable|disable]]\n"
)


class Fsctl:
    """The control panel of one switch."""

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel
        self.sessions_per_second = kernel.settings.sessions_per_second
        self.max_sessions = kernel.settings.max_sessions

    @property
    def is_paused(self) -> bool:
        """Whether calls of either direction are refused."""
        return self._kernel.paused_inbound or self._kernel.paused_outbound

    def answer(self, argument: str) -> str:
        """One ``fsctl`` command."""
        word, _, rest = argument.partition(" ")
        if word in ("pause", "resume"):
            return self._pause(rest.strip(), paused=word == "pause")
        if word.endswith("_check"):
            return self._check(word, rest.strip())
        if word == "sps":
            self.sessions_per_second = _number(rest, self.sessions_per_second)
            return f"+OK sessions per second: {self.sessions_per_second}\n"
        if word == "max_sessions":
            self.max_sessions = _number(rest, self.max_sessions)
            return f"+OK max sessions: {self.max_sessions}\n"
        return self._other(word, rest)

    def _pause(self, direction: str, *, paused: bool) -> str:
        if direction != "outbound":
            self._kernel.paused_inbound = paused
        if direction != "inbound":
            self._kernel.paused_outbound = paused
        return "+OK\n"

    def _check(self, word: str, direction: str) -> str:
        if word == "ready_check":
            return "false" if self.is_paused else "true"
        if word != "pause_check":
            return "false"  # shutdown_check: this switch is never asked to stop that way
        inbound, outbound = self._kernel.paused_inbound, self._kernel.paused_outbound
        paused = {"inbound": inbound, "outbound": outbound}.get(direction, inbound and outbound)
        return "true" if paused else "false"

    def _other(self, word: str, rest: str) -> str:
        if word == "hupall":
            self._kernel.run_api("hupall", rest)
            return "+OK\n"
        if word in ("sync_clock", "sync_clock_when_idle", "send_sighup", "reclaim_mem", "sps_peak_reset", "loglevel"):
            return "+OK\n"
        return _USAGE


def _number(text: str, otherwise: int) -> int:
    return int(text) if text.strip().isdigit() else otherwise
