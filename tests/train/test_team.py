"""Do two processes train what one trains, and go on where one stopped?"""

import os
import shutil
import socket
import subprocess
import sys

import pytest
import torch

from blurspace.errors import ModelError, UsageError
from blurspace.io.weights import read_weights
from blurspace.train import loop
from blurspace.train.settings import LoopSettings
from blurspace.train.team import ALONE, _launcher, joined

from . import members

PATIENCE = 240.0  # seconds; five on a machine with nothing else to do


@pytest.fixture(scope="session")
def piles(photos, tmp_path_factory):
    """The same photos as blurry and as sharp ones."""
    folder = tmp_path_factory.mktemp("piles")
    for name in ("blurry", "sharp"):
        shutil.copytree(photos, folder / name)
    return folder


@pytest.fixture(scope="session")
def trained(photos, piles, tmp_path_factory):
    """The folders of what one process trained, and of what two did, as `members.main` says."""
    folder = tmp_path_factory.mktemp("team")
    one, two = folder / "one", folder / "two"
    two.mkdir()
    members.train("synthesis", one / "half", photos, piles, "steps=2")
    for path in (one / "resumed", two / "one-then-two"):
        shutil.copytree(one / "half", path)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    told = {"WORLD_SIZE": "2", "LOCAL_WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
    environment = {**os.environ, **told, "TORCHELASTIC_RUN_ID": "tests", "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-W", "error", members.__file__, *map(str, (two, photos, piles))]
    started = [
        subprocess.Popen(command, env={**environment, "RANK": rank, "LOCAL_RANK": rank}, stderr=subprocess.PIPE)
        for rank in "01"
    ]
    try:
        for name in members.RUNS:
            members.train(name, one / name, photos, piles)
        members.train("synthesis", one / "resumed", photos, piles, resume=True)
        said = [process.communicate(timeout=PATIENCE)[1].decode() for process in started]
    finally:
        for process in started:
            process.kill()
    assert [process.returncode for process in started] == [0, 0], said
    members.train("synthesis", two / "two-then-one", photos, piles, resume=True)
    return one, two


def assert_same(one, other):
    """Curves and weights, but for the order in which floats are added up."""
    for row, also in zip(members.rows(one), members.rows(other), strict=True):
        assert row == pytest.approx(also, rel=1e-4)
    tensors = [read_weights(folder / loop.WEIGHTS)[0] for folder in (one, other)]
    assert tensors[0].keys() == tensors[1].keys()
    for name, tensor in tensors[0].items():
        assert torch.allclose(tensor, tensors[1][name], rtol=1e-4, atol=1e-5), name


@pytest.mark.parametrize("name", members.RUNS)
def test_two_processes_train_what_one_trains(trained, name):
    one, two = (folder / name for folder in trained)
    assert_same(one, two)
    assert [row["step"] for row in members.rows(two)] == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("name", ["one-then-two", "two-then-one"])
def test_a_run_goes_on_with_another_number_of_processes(trained, name):
    one, two = trained
    assert_same(one / "resumed", two / name)
    keys = [torch.load(folder / loop.CHECKPOINT, weights_only=True).keys() for folder in (one / "resumed", two / name)]
    assert keys[0] == keys[1]


def test_a_ctrl_c_that_one_hears_stops_all_after_the_same_step(trained):
    _, two = trained
    steps = {path.name: path.read_text() for path in two.glob("* stopped")}
    assert steps == {"0 of 2 stopped": "3", "1 of 2 stopped": "3"}
    assert torch.load(two / "interrupted" / loop.CHECKPOINT, weights_only=True)["step"] == 3


def test_a_process_alone_needs_nobody():
    with joined("cpu") as team:
        assert (team.count, team.rank, team.leads, team.device) == (1, 0, True, "cpu")
    assert ALONE.told([0.5, 2]) == [0.5, 2]
    assert "lightning_fabric" not in sys.modules  # it takes longer to load than torch


def test_several_without_fabric_are_told_what_to_install(monkeypatch):
    for name, value in {"WORLD_SIZE": "2", "LOCAL_WORLD_SIZE": "2", "TORCHELASTIC_RUN_ID": "x"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setitem(sys.modules, "lightning_fabric", None)
    with pytest.raises(ModelError, match=r'pip install "\.\[train\]"'), joined("cpu"):
        pass


@pytest.mark.parametrize(
    ("variables", "launcher"),
    [
        ({}, None),
        ({"WORLD_SIZE": "1"}, None),
        ({"WORLD_SIZE": "8", "LOCAL_WORLD_SIZE": "4", "TORCHELASTIC_RUN_ID": "x"}, ("torchrun", 4)),
        ({"SLURM_NTASKS": "8", "SLURM_NTASKS_PER_NODE": "4", "SLURM_STEP_ID": "0"}, ("srun", 4)),
        ({"SLURM_NTASKS": "8", "SLURM_NTASKS_PER_NODE": "4"}, None),  # the job's own shell
        ({"SLURM_NTASKS": "1", "SLURM_STEP_ID": "0"}, None),
    ],
)
def test_who_started_us(variables, launcher):
    assert _launcher(variables) == launcher


def test_refuses_what_it_cannot_mean(tmp_path):
    with pytest.raises(UsageError, match="WORLD_SIZE is 2, but torchrun did not"):
        _launcher({"WORLD_SIZE": "2"})
    with pytest.raises(UsageError, match="give --ntasks-per-node"):
        _launcher({"SLURM_NTASKS": "2", "SLURM_STEP_ID": "0"})
    three = type(ALONE)()
    three.count = 3
    with pytest.raises(UsageError, match=r"3 processes cannot share 4 batches a step evenly: give --set accumulate=6"):
        loop.run(members.Interrupted(0), LoopSettings(steps=1, accumulate=4), out=tmp_path, team=three)
