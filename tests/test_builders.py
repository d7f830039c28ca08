"""Does a weights file become what it describes, a camera's above all, and is every other file refused?"""

import pytest
import torch

from blurspace.blur.convolve import blur
from blurspace.blur.kernels import line
from blurspace.builders import (
    NETWORKS,
    build_camera,
    build_deblurrer,
    build_features,
    build_naturalness,
    build_network,
    build_space,
    card_of,
    finest,
    make_network,
    read_file,
    write_camera,
)
from blurspace.catalog import WEIGHTS
from blurspace.errors import ModelError, UsageError
from blurspace.io.weights import read_weights, write_weights
from blurspace.nets.restorer import Restorer
from blurspace.nets.translator import Translator

NETWORK = {"kind": "unet", "widths": [4, 6], "blocks": 2}
ABOUT = {"architecture": {"translator": NETWORK}, "known": "lines", "steps": 7}
PICTURE = torch.rand(1, 3, 33, 30, generator=torch.Generator().manual_seed(0))


def shaken(network, seed):
    """As after some training: nothing is zero; exact in float16."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for one in network.parameters():
            one.copy_((one + 0.05 * torch.randn(one.shape, generator=generator)).half())
    return network


@pytest.fixture
def networks():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return shaken(Translator(widths=(4, 6)), 1), shaken(Restorer(widths=(4,)), 2)


@pytest.fixture
def known(networks, tmp_path):
    """Weights of a deblurrer, as `train` writes them."""
    about = {"architecture": {"restorer": {"widths": [4]}}}
    write_weights(tmp_path / "known.safetensors", {"restorer": networks[1]}, about=about)
    return tmp_path / "known.safetensors"


@pytest.fixture
def camera_file(networks, known, tmp_path):
    write_camera(tmp_path / "camera", networks[0], known=known, about=ABOUT)
    return tmp_path / "camera"


def test_a_camera_with_a_network(networks, camera_file):
    translator, restorer = networks
    camera = build_camera(camera_file)
    with torch.no_grad():
        translated = translator(PICTURE)[0].clamp(0, 1)
        restored = restorer(translated).clamp(0, 1)
    torch.testing.assert_close(camera.translate(PICTURE), translated)
    assert not torch.allclose(translated, PICTURE, atol=1e-2)
    assert [method.name for method in camera.known.methods] == ["lines"]
    with torch.no_grad():
        torch.testing.assert_close(camera.network(translated).clamp(0, 1), restored)
    assert not torch.allclose(restored, translated, atol=1e-2)
    assert camera.methods[0].space.fingerprint() == build_space().fingerprint()
    squares = torch.rand(1, 3, 12, 12, generator=torch.Generator().manual_seed(1))
    photo = blur(squares.repeat_interleave(8, 2).repeat_interleave(8, 3), line(9, 90))
    result = camera(photo)
    assert result.method == "translated, lines"
    again = build_deblurrer("auto", weights=(camera_file,))(photo)
    assert torch.equal(again.restored, result.restored)
    assert again.receipt == result.receipt


@pytest.mark.parametrize("method", ["auto", "fourier-pair"])  # the second: as older files say
def test_a_camera_with_a_method(networks, tmp_path, method):
    write_camera(tmp_path / "camera", networks[0], known=method, about=ABOUT)
    camera = build_camera(tmp_path / "camera")
    names = ["learned", "classical", "rotation", "mild"] if method == "auto" else ["learned"]
    assert [method.name for method in camera.known.methods] == names
    with torch.no_grad():
        torch.testing.assert_close(camera.translate(PICTURE), networks[0](PICTURE)[0].clamp(0, 1))


def test_a_camera_needs_no_other_file(camera_file, known):
    known.unlink()
    assert build_camera(camera_file).network is not None
    assert read_weights(camera_file)[1]["steps"] == 7
    assert ABOUT["architecture"] == {"translator": NETWORK}  # what was given is not changed


def test_a_translator_and_what_undoes_the_known_blur_are_a_camera(networks, known, camera_file, tmp_path):
    write_weights(tmp_path / "translator", {"translator": networks[0]}, about=ABOUT)
    with pytest.raises(ModelError, match="is a translator alone: give the weights of what undoes the known blur as"):
        build_camera(tmp_path / "translator")
    for weights in ((tmp_path / "translator", known), (known, tmp_path / "translator")):
        both, one = build_camera(*weights), build_camera(camera_file)
        with torch.no_grad():
            assert torch.equal(both.network(PICTURE), one.network(PICTURE))
        assert torch.equal(both.translate(PICTURE), one.translate(PICTURE))


def test_half_is_half_the_bytes(networks, known, tmp_path):
    sizes = []
    for half in (True, False):
        write_camera(tmp_path / f"{half}", networks[0], known=known, about=ABOUT, half=half)
        sizes.append((tmp_path / f"{half}").stat().st_size)
    assert sizes[0] < 0.7 * sizes[1]
    write_camera(tmp_path / "default", networks[0], known=known, about=ABOUT)
    assert (tmp_path / "default").stat().st_size == sizes[0]


@pytest.mark.parametrize("name", ["belt", "kernel-space", "features", "niqe"])
def test_other_weights_are_no_camera(name):
    with pytest.raises(ModelError, match=r"is no camera: give a file that `blurspace adapt` wrote"):
        build_camera(WEIGHTS / f"{name}.safetensors")


def test_damaged_and_missing_files(camera_file, networks, tmp_path):
    data = camera_file.read_bytes()
    for build in (build_camera, build_network, build_space, build_features):
        with pytest.raises(ModelError, match="does not exist"):
            build(tmp_path / "none")
        (tmp_path / "cut").write_bytes(data[:-20])
        with pytest.raises(ModelError, match="cut off"):
            build(tmp_path / "cut")
        (tmp_path / "text").write_text("no weights")
        with pytest.raises(ModelError, match="no weights file"):
            build(tmp_path / "text")
    (tmp_path / "changed").write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    with pytest.raises(ModelError, match="was changed"):
        build_camera(tmp_path / "changed")


def test_a_camera_of_another_architecture(networks, known, tmp_path):
    about = ABOUT | {"architecture": {"translator": NETWORK | {"widths": [5, 6]}}}
    write_camera(tmp_path / "camera", networks[0], known=known, about=about)
    with pytest.raises(ModelError, match=r"translator\.\S+ has shape"):
        build_camera(tmp_path / "camera")
    write_camera(tmp_path / "camera", networks[0], known=known, about=ABOUT | {"architecture": {}})
    with pytest.raises(ModelError, match="does not hold the network translator"):
        build_camera(tmp_path / "camera")
    with pytest.raises(ModelError, match="does not exist"):
        write_camera(tmp_path / "camera", networks[0], known=tmp_path / "none", about=ABOUT)


def test_a_network_of_task_deblurrer(networks, known):
    found = build_network(known)
    assert found.widths == (4,)
    assert not found.training
    assert not any(one.requires_grad for one in found.parameters())
    with torch.no_grad():
        torch.testing.assert_close(found(PICTURE), networks[1](PICTURE))
    with pytest.raises(ModelError, match=r"features\.safetensors"):
        build_network(WEIGHTS / "features.safetensors")


@pytest.mark.parametrize("name", NETWORKS)
def test_every_network_of_the_table_is_there(name):
    sizes = {"encoder space": {"width": 2, "code_width": 2}}
    assert make_network(name, **sizes.get(name, {})).state_dict()


def test_unknown_networks_and_other_versions(tmp_path):
    with pytest.raises(ModelError, match="no network painter is known"):
        make_network("painter")
    network = make_network("restorer", widths=(4,))
    write_weights(tmp_path / "other", {"restorer": network}, about={"architecture": {"restorer": {"depth": 4}}})
    with pytest.raises(ModelError, match="has a restorer of another version of blurspace: train it again"):
        read_file(tmp_path / "other").network("restorer")


ODD = [{"recipe": 3}, {"architecture": ["translator"]}, {"kind": 1}, {"method": ["mild"]}, {"known": {}}]
ODD += [{"architecture": {"translator": odd}} for odd in (7, {"width": "x"}, {"width": -4}, {"width": [1]})]
ODD += [[], 3, {"recipe": {"deblurrer": 5}}]


@pytest.mark.parametrize("about", ODD, ids=str)
def test_a_camera_that_says_odd_things_of_itself_is_one_sentence(networks, tmp_path, about):
    told = ABOUT | about if isinstance(about, dict) else about
    write_weights(tmp_path / "camera", {"translator": networks[0]}, about=told)
    with pytest.raises(ModelError):
        build_camera(tmp_path / "camera")


def test_a_file_is_called_what_it_is_or_as_its_run(known, tmp_path):
    (tmp_path / "mine").mkdir()
    path = known.rename(tmp_path / "mine" / "weights.safetensors")
    assert build_deblurrer("auto", weights=(path,)).methods[0].name == "mine"
    path = path.rename(tmp_path / "other.safetensors")
    for weights in ((path,), path, str(path)):
        assert build_deblurrer("auto", weights=weights).methods[0].name == "other"


def test_weights_that_do_not_go_together(known):
    learned = WEIGHTS / "learned.safetensors"
    with pytest.raises(UsageError, match="are weights for different methods: give those of one"):
        build_deblurrer("auto", weights=(known, learned))
    with pytest.raises(UsageError, match="hold 2 networks restorer: give"):
        build_deblurrer("auto", weights=(known, known))
    with pytest.raises(UsageError, match="weights say which method they are for: leave the method classical out"):
        build_deblurrer("classical", weights=(known,))
    with pytest.raises(UsageError, match=r"known\.safetensors knows no size: leave it out"):
        build_deblurrer("auto", weights=(known,), size=9)


def test_shipped_weights_belong_to_their_card():
    for name in ("learned", "kaufman2020-small", "belt"):
        assert card_of([read_file(WEIGHTS / f"{name}.safetensors")]).name == name


def test_a_space_and_features_are_those_of_their_files():
    for build, name in ((build_space, "kernel-space"), (build_features, "features")):
        shipped, given = build(), build(WEIGHTS / f"{name}.safetensors")
        assert all(torch.equal(*both) for both in zip(shipped.parameters(), given.parameters(), strict=True))
        assert not any(one.requires_grad for one in shipped.parameters())
        lacks = "holds no kernel space|does not hold the network features"
        with pytest.raises(ModelError, match=rf"belt\.safetensors ({lacks}) but a deblurrer, which"):
            build(WEIGHTS / "belt.safetensors")


def test_naturalness_has_the_numbers_of_niqe():
    model = build_naturalness()
    assert (model.mean.shape, model.covariance.shape) == ((36,), (36, 36))
    assert model.mean.dtype == model.covariance.dtype == torch.float64


def test_finest():
    assert torch.equal(finest(lambda picture: (picture + 1, None, None))(PICTURE), PICTURE + 1)
