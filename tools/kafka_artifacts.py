"""The jars of an Apache Kafka broker: resolved once by Maven from its default repository, kept under var/kafka."""

from __future__ import annotations

import fcntl
import hashlib
import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
POM = ROOT / "tools" / "kafka" / "pom.xml"
RESOLVE_TIMEOUT_S = 900


class NoKafka(RuntimeError):
    """A broker cannot be run here; the message says what is missing."""


def missing_programs() -> str:
    """The programs a broker needs that this machine lacks, as a sentence; "" when nothing is missing."""
    missing = [name for name in ("java", "mvn") if shutil.which(name) is None]
    return f"needs {' and '.join(missing)} to run an Apache Kafka broker" if missing else ""


def kafka_jars(cache: Path = ROOT / "var" / "kafka") -> Path:
    """The folder with every jar of the version named in the pom, filled by Maven when it is not there yet.

    Raises NoKafka when a program is missing or Maven fails; its output is in the message.
    """
    if problem := missing_programs():
        raise NoKafka(problem)
    jars = cache / hashlib.sha256(POM.read_bytes()).hexdigest()[:12]
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "lock").open("w") as lock:
        # two test runs may want them at once
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (jars / "complete").exists():
            _copy_dependencies(jars)
            (jars / "complete").touch()
    return jars


def _copy_dependencies(jars: Path) -> None:
    shutil.rmtree(jars, ignore_errors=True)
    command = [
        *("mvn", "--batch-mode", "--quiet", "--file", str(POM), "dependency:copy-dependencies"),
        *(f"-DoutputDirectory={jars}", "-DincludeScope=runtime"),
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=RESOLVE_TIMEOUT_S, check=False)
    if done.returncode != 0 or not list(jars.glob("kafka_*.jar")):
        raise NoKafka(f"Maven could not resolve the broker: {(done.stdout + done.stderr)[-2000:]}")


if __name__ == "__main__":
    print(kafka_jars())
