"""A real Apache Kafka broker (KRaft, one node) for tests and demonstrations: start, stop, kill, freeze, start again.

The data survives ``kill`` and ``start``; the port stays the same, so clients can find the broker that came back.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import uuid
from base64 import urlsafe_b64encode
from dataclasses import dataclass, field
from pathlib import Path

from tools.kafka_artifacts import ROOT, NoKafka, kafka_jars

START_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 20.0
STARTED = "Kafka Server started"

# small and quick: one node, sessions down to half a second, no waiting for more members, compaction at once
PROPERTIES = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
controller.listener.names=CONTROLLER
inter.broker.listener.name=CLIENTS
listeners=CLIENTS://127.0.0.1:{clients},CONTROLLER://127.0.0.1:{controller}
listener.security.protocol.map=CLIENTS:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs={data}
auto.create.topics.enable=false
default.replication.factor=1
offsets.topic.replication.factor=1
offsets.topic.num.partitions=2
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=2
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
broker.session.timeout.ms=1500
broker.heartbeat.interval.ms=300
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=500
log.cleaner.backoff.ms=500
log.cleaner.dedupe.buffer.size=2097152
num.network.threads=2
num.io.threads=2
background.threads=2
"""

JVM = ("-Xmx400m", "-Xms128m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto")


def free_port() -> int:
    """A port nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class KafkaBroker:
    """One broker with its data under ``home``. All calls block; ``start`` until it serves."""

    home: Path
    clients: int = field(default_factory=free_port)
    controller: int = field(default_factory=free_port)
    _process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        """host:port for clients."""
        return f"127.0.0.1:{self.clients}"

    @property
    def pid(self) -> int | None:
        """The process, while there is one."""
        return self._process.pid if self._process else None

    @property
    def log(self) -> Path:
        """What the broker writes."""
        return self.home / "broker.log"

    def start(self) -> None:
        """Start, or start again after stop or kill. Raises NoKafka when it cannot be run or does not come up."""
        if self._process is not None:
            return
        if not (self.home / "server.properties").exists():
            self._format()
        written = self.log.stat().st_size if self.log.exists() else 0
        with self.log.open("ab") as out:
            self._process = subprocess.Popen(
                self._java("kafka.Kafka", str(self.home / "server.properties")), stdout=out, stderr=out
            )
        self._wait_until_started(written)

    def stop(self) -> None:
        """End in good order."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End at once, as by a power cut."""
        self._end(signal.SIGKILL)

    def freeze(self) -> None:
        """Answer nothing while keeping every connection open."""
        os.kill(self._running().pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """Go on after ``freeze``."""
        os.kill(self._running().pid, signal.SIGCONT)

    def remove(self) -> None:
        """Kill and delete the data."""
        self.kill()
        shutil.rmtree(self.home, ignore_errors=True)

    def _format(self) -> None:
        self.home.mkdir(parents=True, exist_ok=True)
        config = self.home / "server.properties"
        config.write_text(PROPERTIES.format(clients=self.clients, controller=self.controller, data=self.home / "data"))
        cluster = urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        command = self._java("kafka.tools.StorageTool", "format", f"--cluster-id={cluster}", "--config", str(config))
        done = subprocess.run(command, capture_output=True, text=True, timeout=START_TIMEOUT_S, check=False)
        if done.returncode != 0:
            config.unlink()
            raise NoKafka(f"the broker's storage could not be made: {(done.stdout + done.stderr)[-2000:]}")

    @staticmethod
    def _java(main: str, *arguments: str) -> list[str]:
        logging = ROOT / "tools" / "kafka" / "log4j2.properties"
        return [
            "java",
            *JVM,
            f"-Dlog4j2.configurationFile={logging}",
            *("-cp", f"{kafka_jars()}/*"),
            *(main, *arguments),
        ]

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            raise NoKafka("the broker is not running")
        return self._process

    def _wait_until_started(self, written: int) -> None:
        deadline = time.monotonic() + START_TIMEOUT_S
        process = self._running()
        while STARTED not in self._log_from(written):
            if process.poll() is not None or time.monotonic() > deadline:
                self.kill()
                raise NoKafka(f"the broker did not start: {self._log_from(written)[-2000:]}")
            time.sleep(0.05)

    def _log_from(self, offset: int) -> str:
        with self.log.open("rb") as log:
            log.seek(offset)
            return log.read().decode(errors="replace")

    def _end(self, how: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.send_signal(how)
        # a frozen process takes other signals only once it goes on
        process.send_signal(signal.SIGCONT)
        try:
            process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def main() -> None:
    """Run a broker in the foreground until interrupted: ``python -m tests.support.kafka_broker [FOLDER]``."""
    broker = KafkaBroker(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "var" / "kafka" / "broker")
    broker.start()
    print(broker.address, flush=True)
    try:
        signal.pause()
    except KeyboardInterrupt:
        broker.stop()


if __name__ == "__main__":
    main()
