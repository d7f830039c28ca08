"""Do the doors export networks, take a runtime, and say which one it was?"""

import json
import pickle

import pytest
import torch

from blurspace import api, cli
from blurspace.blur.kernels import line
from blurspace.builders import build_camera, build_deblurrer, make_network, write_camera
from blurspace.errors import ModelError, UsageError
from blurspace.io.weights import write_weights
from blurspace.jobs import export as export_job
from blurspace.jobs import tune as tune_job
from blurspace.jobs.develop import computed_by
from blurspace.runtimes import engines, served
from blurspace.runtimes.engines import ENGINES, installed
from blurspace.runtimes.exported import plain
from blurspace.runtimes.served import is_served
from blurspace.runtimes.tuned import Speed, pick_runtime

from .fakes import Fake, noisy_photos

NONE = ("classical", "fast", "mild", "rotation", "search", "kernel-space", "niqe")  # no network of convolutions
RESTORER = {"restorer": {"widths": [2, 4]}}


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def run(capsys):
    def call(*arguments):
        code = cli.main([str(one) for one in arguments])
        return code, *capsys.readouterr()

    return call


@pytest.fixture
def weights(tmp_path):
    torch.manual_seed(0)
    path = tmp_path / "mine.safetensors"
    write_weights(
        path, {"restorer": make_network("restorer", **RESTORER["restorer"])}, about={"architecture": RESTORER}
    )
    return path


@pytest.fixture
def stand_ins(monkeypatch):
    """All runtimes are there, and torch after all."""
    monkeypatch.setattr(engines, "_is_here", lambda _: True)
    monkeypatch.setattr(engines.metadata, "version", lambda library: f"9.{len(library)}")

    def make(module, *_):
        return lambda inputs: [plain(module)(*inputs)]

    monkeypatch.setattr(served, "engine_of", make)


def test_all_shipped_networks_of_convolutions_have_parts(monkeypatch, tmp_path):
    monkeypatch.setattr(export_job, "installed", lambda: ("torch", "onnx"))
    monkeypatch.setattr(export_job, "export", lambda *_, **__: b"onnx")
    monkeypatch.setattr(export_job, "check", lambda *_: 0.0)
    monkeypatch.setattr(export_job, "versioned", str)
    monkeypatch.setitem(ENGINES, "onnx", ("onnxruntime", lambda *_: None))
    written = {}
    for name in export_job.CARDS:
        if name in NONE:
            with pytest.raises(UsageError, match="give a model that has, such as learned"):
                list(export_job.export_networks(name, folder=tmp_path))
        else:
            written[name] = [one["network"] for one in export_job.export_networks(name, folder=tmp_path)]
    assert written == {
        "auto": ["trusting.denoiser.net", "wary.denoiser.net"],
        "learned": ["trusting.denoiser.net", "wary.denoiser.net"],
        "kaufman2020-small": ["analysis.extract.0", "analysis.extract.1", "synthesis"],
        "manifold": ["printer"],
        "belt": ["restorer"],
        "features": ["features"],
    }


def test_export_writes_nothing_where_a_runtime_says_something_else(run, weights, tmp_path, monkeypatch):
    monkeypatch.setattr(export_job, "installed", lambda: ("torch", "onnx"))
    monkeypatch.setattr(export_job, "export", lambda *_, **__: b"onnx")
    monkeypatch.setitem(ENGINES, "onnx", ("onnxruntime", lambda *_: lambda inputs: [inputs[0] * 2]))
    code, out, err = run("export", weights, "-o", tmp_path / "new")
    assert (code, out) == (4, "")
    assert "differs from torch" in err
    assert not list((tmp_path / "new").iterdir())


def test_export_refuses_in_a_sentence(run, weights, tmp_path, monkeypatch):
    monkeypatch.setattr(export_job, "installed", lambda: ("torch", "onnx"))
    assert run("export", "nothing-such")[0] == 4
    code, _, err = run("export", "classical")
    assert (code, "has no networks" in err) == (2, True)
    (tmp_path / "mine.restorer.onnx").write_bytes(b"there")
    code, _, err = run("export", weights, "-o", tmp_path)
    assert (code, "exists" in err) == (1, True)
    monkeypatch.setattr(export_job, "installed", lambda: ("torch",))
    code, _, err = run("export", weights, "-o", tmp_path)
    assert (code, 'pip install ".[onnx]"' in err) == (4, True)


def test_tune_measures_and_deblur_takes_what_it_found(run, stand_ins, monkeypatch):
    seconds = {"torch": 1.0, "onnx": 0.9, "openvino": 0.5}
    monkeypatch.setattr(tune_job, "speeds_of", lambda network, name, **_: [Speed(name, "denoiser.net", seconds)])
    code, out, err = run("tune", "--json")
    record = json.loads(out)
    assert (code, record["runtime"], record["seconds"]) == (0, "openvino", seconds)
    assert "openvino: 0.5 s" in err
    assert pick_runtime() == "openvino"
    monkeypatch.setattr(tune_job, "installed", lambda: ("torch",))
    code, _, err = run("tune")
    assert (code, "pip install" in err) == (4, True)


def test_a_deblurrer_says_what_computes_its_networks(stand_ins):
    kernel = line(5, 20.0)
    learned, classical = (build_deblurrer(name, kernel=kernel, runtime="onnx") for name in ("learned", "classical"))
    assert (learned.runtime, classical.runtime) == ("onnx", "torch")
    assert not learned.half
    picture = torch.rand(1, 3, 48, 64, generator=torch.Generator().manual_seed(1))
    plain = build_deblurrer("learned", kernel=kernel)(picture)
    assert plain.restored.shape == learned(picture).restored.shape
    assert (learned(picture).restored - plain.restored).abs().max() < 1e-4
    with pytest.raises(UsageError, match="not known"):
        build_deblurrer("learned", runtime="tensorrt")


def test_it_goes_to_another_process(stand_ins):
    sent = pickle.loads(pickle.dumps(build_deblurrer("auto", kernel=line(5, 20.0), runtime="onnx")))
    both = sent.methods[0].restorer
    assert is_served(both.trusting)
    assert is_served(both.wary)
    assert sent.runtime == "onnx"


def test_a_record_says_what_computed_the_result(stand_ins):
    deblurrer = build_deblurrer("auto", kernel=line(5, 20.0), runtime="onnx")
    assert computed_by(deblurrer, "learned") == "onnxruntime 9.11"
    assert computed_by(deblurrer, "mine") == "onnxruntime 9.11"  # a user's weights
    assert computed_by(deblurrer, "classical").startswith("torch ")  # no network had a part in it


def test_a_camera_is_served_too(stand_ins, tmp_path, weights):
    translator = make_network("translator", widths=[2, 4])
    about = {"architecture": {"translator": {"widths": [2, 4]}}}
    write_camera(tmp_path / "camera", translator, known=weights, about=about)
    camera = build_camera(tmp_path / "camera", runtime="openvino")
    assert camera.runtime == "openvino"
    assert is_served(camera.network)
    assert build_camera(tmp_path / "camera").runtime == "torch"


@pytest.fixture
def asked(monkeypatch):
    """What was asked of the builder; the deblurrer is a fake."""
    told = []
    monkeypatch.setattr("blurspace.builders.build_deblurrer", lambda *_, **how: told.append(how) or Fake())
    monkeypatch.setattr("blurspace.api.build_deblurrer", lambda *_, **how: told.append(how) or Fake())
    return told


def test_deblur_takes_a_runtime_and_keeps_it_in_the_sidecar(run, asked, stand_ins, tmp_path):
    photos = noisy_photos(tmp_path / "in", ["a.png"])
    target = tmp_path / "a.png"
    code, out, _ = run("deblur", photos / "a.png", "-o", target, "--runtime", "onnx", "--sidecar", "--json")
    assert (code, asked[-1]["runtime"]) == (0, "onnx")
    assert json.loads(out)["runtime"].startswith("torch ")  # a fake has no networks to serve
    sidecar = tmp_path / "a.png.json"
    assert json.loads(sidecar.read_text())["settings"]["runtime"] == "onnx"
    assert run("replay", sidecar, "--overwrite")[0] == 0
    assert asked[-1]["runtime"] == "onnx"
    told = json.loads(sidecar.read_text())
    del told["settings"]["runtime"]  # as those of older versions
    sidecar.write_text(json.dumps(told))
    assert run("replay", sidecar, "--overwrite")[0] == 0
    assert asked[-1]["runtime"] == "torch"
    assert api.deblur(photos / "a.png").verdict == "restored"
    assert asked[-1]["runtime"] == "torch"
    with pytest.raises(UsageError, match="runtime"):
        api.deblur(photos / "a.png", runtime=3)


def test_a_folder_is_done_again_by_another_runtime(run, asked, stand_ins, tmp_path):
    photos = noisy_photos(tmp_path / "in", ["a.png"])

    def again(runtime):
        code, _, err = run("deblur", photos, "-o", tmp_path / "out", "--runtime", runtime)
        return code, "done before" in err

    assert again("torch") == (0, False)
    assert again("torch") == (0, True)
    assert again("onnx") == (1, False)  # what is there was made by another, and is not replaced unasked


def test_a_runtime_that_is_not_here_is_an_error_before_any_work(run, asked, monkeypatch, tmp_path):
    monkeypatch.setattr(engines, "_is_here", lambda _: False)
    photos = noisy_photos(tmp_path / "in", ["a.png"])
    code, _, err = run("deblur", photos, "--runtime", "openvino")
    assert (code, 'pip install ".[openvino]"' in err) == (4, True)
    assert not asked
    assert installed() == ("torch",)
    with pytest.raises(ModelError, match="pip install"):
        served.serve(make_network("restorer", **RESTORER["restorer"]), "onnx")
