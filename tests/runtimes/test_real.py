"""Do real ONNX files say what torch says, and real runtimes compute them?

All that exports is here, in one file: the exporter takes longer to load than all of this to run, and a worker of
pytest takes whole files.
"""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

from blurspace import cli
from blurspace.builders import make_network
from blurspace.io.weights import write_weights
from blurspace.jobs import export as export_job
from blurspace.nets.deconvolver import Deconvolver
from blurspace.nets.synthesis import Synthesis
from blurspace.runtimes.engines import ENGINES, missing
from blurspace.runtimes.exported import check, export
from blurspace.runtimes.parts import PARTS
from blurspace.runtimes.served import serve

from .tiny import tiny

needs_onnx = pytest.mark.skipif(bool(missing("onnx")), reason=f"{', '.join(missing('onnx'))} not installed")
ODD = (37, 22)  # px: no multiple of anything
RESTORER = {"restorer": {"widths": [2, 4]}}


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@needs_onnx
def test_it_says_what_torch_says_at_other_sizes_and_batches():
    module, part = tiny(Synthesis), PARTS[Synthesis]
    data = export(module, part, told={"licence": "of the test"})
    for runtime in (name for name in ENGINES if not missing(name)):
        engine = ENGINES[runtime][1](data, 1)
        assert check(module, part, engine) < 1e-5
        inputs = part.draw(module, (7, 3), batch=3)
        (found,) = engine(inputs)
        torch.testing.assert_close(found, module(*inputs), rtol=1e-4, atol=1e-5)
    import onnx

    facts = {one.key: one.value for one in onnx.load_from_string(data).metadata_props}
    assert facts["licence"] == "of the test"
    assert facts["multiple"] == str(part.multiple(module))


@needs_onnx
def test_a_users_weights_become_onnx_files(capsys, tmp_path):
    torch.manual_seed(0)
    weights = tmp_path / "mine.safetensors"
    network = make_network("restorer", **RESTORER["restorer"])
    write_weights(weights, {"restorer": network}, about={"architecture": RESTORER})
    code = cli.main(["export", str(weights), "-o", str(tmp_path / "new"), "--json"])
    out, err = capsys.readouterr()
    assert (code, "differs from torch by" in err) == (0, True)
    record = json.loads(out)
    assert record["output"] == str(tmp_path / "new" / "mine.restorer.onnx")
    assert record["inputs"] == {"picture": ["batch", 3, "height", "width"]}
    assert (record["network"], record["multiple"]) == ("restorer", 4)
    assert record["max_error"] < 1e-5
    import onnxruntime

    session = onnxruntime.InferenceSession(record["output"], providers=["CPUExecutionProvider"])
    picture = torch.rand(1, 3, 20, 28)
    (found,) = session.run(None, {"picture": picture.numpy()})
    network = export_job.read_file(weights).network("restorer")
    torch.testing.assert_close(torch.from_numpy(found), network(picture), rtol=0, atol=1e-5)


@pytest.mark.parametrize("runtime", ENGINES)
def test_the_real_ones_deconvolve_as_torch_does_and_in_several_threads(runtime, tmp_path_factory, monkeypatch):
    if lacking := missing(runtime):
        pytest.skip(f"{', '.join(lacking)} not installed")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.getbasetemp() / "exported"))  # one export for both
    torch.manual_seed(0)
    network = Deconvolver(rounds=1, widths=(2, 4)).requires_grad_(False).eval()
    torch.nn.init.normal_(network.denoiser.net.leave.weight, 0, 0.1)
    picture, kernel = torch.rand(1, 3, *ODD), torch.full((1, 1, 3, 3), 1 / 9)
    how = picture, kernel, torch.tensor([0.01]), torch.tensor([0.0]), picture
    with torch.inference_mode():
        wanted = network(*how)
        assert (wanted - picture).abs().max() > 0.01
        serve(network, runtime)
        with ThreadPoolExecutor(4) as pool:
            found = list(pool.map(lambda _: network(*how), range(8)))
    for one in found:
        torch.testing.assert_close(one, wanted, rtol=0, atol=1e-5)
