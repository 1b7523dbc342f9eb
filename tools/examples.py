"""Writes the examples of ctiserver's OpenAPI document anew: ``python -m tools.examples`` runs each on the simulated switch."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from ipcc.http.examples import write_examples
from services.ctiserver.app import EXAMPLES_FILE
from tests.live.conftest import stand
from tests.live.examples import tell


async def _write() -> int:
    with TemporaryDirectory() as folder:
        async with stand("simulated", Path(folder)) as bench, bench.served():
            examples = await tell(bench)
    write_examples(EXAMPLES_FILE, examples)
    return len(examples)


if __name__ == "__main__":
    sys.stdout.write(f"{asyncio.run(_write())} examples in {EXAMPLES_FILE}\n")
