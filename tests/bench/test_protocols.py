"""Is every row of the table a file that does what the table says, and is the table itself light?"""

import subprocess
import sys

import pytest

from blurspace.bench.protocols import PROTOCOLS
from blurspace.bench.result import protocol_hash
from blurspace.papers import PAPERS

# Of the protocols that have committed rows: these must never change.
HASHES = {
    "levin": "830283e1056b",
    "synthetic": "b07f3f5fe734",
    "rotation": "7ff382be2c0f",
    "sharp": "9629c16c9b45",
    "speed": "291c19524aea",
    "kaufman2020-ablation": "58cc8e40bb72",
    "transfer": "aece2dccdb05",
    "tran2021-transfer": "32080ac75119",
    "tran2021-swapped": "fc62c6d57c60",
    "tran2021-retrieval": "7ad06ca49748",
    "tran2021-augmented": "b29e0628b123",
    "pham2024-adapt": "7dc2bb6f8811",
    "pham2024-gopro": "d8f84f775629",
    "downstream": "ba6a5834834e",
    "downstream-frames": "9b4a7fb15d14",
}


@pytest.mark.parametrize("protocol", PROTOCOLS.values(), ids=PROTOCOLS)
def test_each_row_is_a_file_that_has_all(protocol):
    code = protocol.code
    assert code.PROTOCOL.startswith(f"{protocol.name} ")
    assert all(callable(getattr(code, name)) for name in ("run", "summary", "table"))
    assert protocol.default in getattr(code, "METHODS", (protocol.default,))
    assert set(protocol.papers) <= set(PAPERS)
    assert protocol_hash(code.PROTOCOL) == HASHES.get(protocol.name, protocol_hash(code.PROTOCOL))


def test_the_table_costs_no_torch():
    program = "import sys; from blurspace.bench import protocols, runner; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
