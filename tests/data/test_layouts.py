"""Are the pairs of each documented layout found, and is what is missing named?"""

from pathlib import Path

import pytest
import torch

from blurspace.data.layouts import LAYOUTS, PairFiles, find_pairs
from blurspace.errors import NoInputError, UsageError
from blurspace.io.files import write_bytes
from blurspace.io.images import encode_photo
from blurspace.types import Photo

PICTURE = torch.full((1, 3, 16, 16), 0.5)
PNG = encode_photo(Photo.of(PICTURE), PICTURE)
# The project's own data, which are not in the repository: beside it, where there are any.
SHARED = Path(__file__).parents[3] / "shared" / "data"


def make(folder, *names):
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        write_bytes(folder / name, PNG, overwrite=False)
    return folder


def write(path, text):
    path.write_text(text, encoding="utf-8")
    return path


def found(path, root=None, **settings):
    """The pairs as (sharp, blurry, scene), relative to the folder."""
    root = root or path
    pairs = find_pairs(path, **settings)
    return [(str(pair.sharp.relative_to(root)), str(pair.blurry.relative_to(root)), pair.scene) for pair in pairs]


# layout: which files, and which pairs (sharp, blurry, scene) they are
EXAMPLES = {
    "gopro": (
        [
            *(f"train/B_11_00/{name}/7.png" for name in ("sharp", "blur", "blur_gamma")),
            *(f"test/A_11_00/{name}" for name in ("sharp/1.PNG", "blur/1.jpg", "blur_gamma/1.png")),
        ],
        [
            ("test/A_11_00/sharp/1.PNG", "test/A_11_00/blur/1.jpg", "A_11_00"),
            ("train/B_11_00/sharp/7.png", "train/B_11_00/blur/7.png", "B_11_00"),
        ],
    ),
    "gopro gamma": (
        ["A_11_00/sharp/7.png", "A_11_00/blur_gamma/7.png"],
        [("A_11_00/sharp/7.png", "A_11_00/blur_gamma/7.png", "A_11_00")],
    ),
    "reds": (
        [
            *("train/train_sharp/000/00000001.png", "train/train_blur/000/00000001.png"),
            *("val/val_sharp/000/00000000.png", "val/val_blur/000/00000000.png"),
        ],
        [
            ("train/train_sharp/000/00000001.png", "train/train_blur/000/00000001.png", "train/000"),
            ("val/val_sharp/000/00000000.png", "val/val_blur/000/00000000.png", "val/000"),
        ],
    ),
    "realblur": (
        [f"RealBlur-{kind}/scene001/{name}.png" for kind in "JR" for name in ("gt/gt_1", "blur/blur_1")],
        [
            (f"RealBlur-{kind}/scene001/gt/gt_1.png", f"RealBlur-{kind}/scene001/blur/blur_1.png", "scene001")
            for kind in "JR"
        ],
    ),
    "rsblur": (
        [f"RSBlur/0001/000002/{name}.png" for name in ("gt/gt_sharp", "real_blur/real_blur", "avg65_img/avg_blur")],
        [("RSBlur/0001/000002/gt/gt_sharp.png", "RSBlur/0001/000002/real_blur/real_blur.png", "0001")],
    ),
    "rb2v": (
        ["00000/blur/0000.png", *(f"00000/sharp/0000_{frame}.png" for frame in range(1, 8))],
        [("00000/sharp/0000_4.png", "00000/blur/0000.png", "00000")],
    ),
    "blur2blur": (
        ["trainA/1.png", "trainB/1.png", "trainC/2.png", "trainD/2.png", "testA/3.png", "testB/3.png"],
        [("testB/3.png", "testA/3.png", "test"), ("trainD/2.png", "trainC/2.png", "train")],
    ),
    "folders": (
        ["one/GT/1.png", "one/lq/1.webp", "two/target/1.png", "two/input/1.png"],
        [("one/GT/1.png", "one/lq/1.webp", "one"), ("two/target/1.png", "two/input/1.png", "two")],
    ),
}


@pytest.mark.parametrize("layout", EXAMPLES)
@pytest.mark.parametrize("automatic", [False, True])
def test_each_layout_is_found(tmp_path, layout, automatic):
    files, pairs = EXAMPLES[layout]
    make(tmp_path, *files)
    assert found(tmp_path, layout="auto" if automatic else layout) == pairs


def test_every_layout_has_an_example():
    assert set(LAYOUTS) == {*EXAMPLES, "manifest"}


def test_one_pair_of_folders(tmp_path):
    make(tmp_path / "shot", "sharp/a.png", "blur/a.png", "blur/._a.png", "sharp/note.txt")
    pair = PairFiles(tmp_path / "shot" / "sharp" / "a.png", tmp_path / "shot" / "blur" / "a.png", "shot")
    assert find_pairs(str(tmp_path / "shot")) == [pair]


def test_gopro_gamma_only_if_asked_where_both_are(tmp_path):
    make(tmp_path, *EXAMPLES["gopro"][0])
    assert found(tmp_path, layout="gopro gamma")[1][1] == "train/B_11_00/blur_gamma/7.png"


def test_two_test_folders_of_blur2blur_that_are_no_pairs(tmp_path):
    make(tmp_path, "trainC/2.png", "trainD/2.png", "testA/3.png", "testB/4.png")
    assert [scene for _, _, scene in found(tmp_path)] == ["train"]


@pytest.mark.parametrize("layout", ["auto", "manifest"])
def test_manifest(tmp_path, layout):
    make(tmp_path, "one/sharp/a.png", "one/blur/b.png", "c.png", "d.png")
    table = "\ufeffblurry,note,sharp,scene\none/blur/b.png,x,one/sharp/a.png,\nd.png,,c.png,park\n"
    pairs = [("one/sharp/a.png", "one/blur/b.png", "one"), ("c.png", "d.png", "park")]
    assert found(write(tmp_path / "pairs.csv", table), tmp_path, layout=layout) == pairs


def test_lists(tmp_path):
    make(tmp_path, *EXAMPLES["realblur"][0], *EXAMPLES["rsblur"][0])
    for layout in ("realblur", "rsblur"):
        pairs = EXAMPLES[layout][1][-1:]
        path = write(tmp_path / f"{layout}.txt", "\n".join(f"{sharp} {blurry}" for sharp, blurry, _ in pairs) + "\n\n")
        assert found(path, tmp_path) == found(path, tmp_path, layout=layout) == pairs
    with pytest.raises(NoInputError, match=r"no sharp-blurry pairs were found .* in rsblur \(SCENE/SHOT/gt"):
        find_pairs(tmp_path / "realblur.txt", layout="rsblur")


def test_unknown_layout(tmp_path):
    with pytest.raises(UsageError, match="gopros is not a layout of pairs that is known: did you mean gopro"):
        find_pairs(tmp_path, layout="gopros")
    with pytest.raises(UsageError, match=r"xyz is not .*: give auto or one of manifest, reds, .*, folders$"):
        find_pairs(tmp_path, layout="xyz")


@pytest.mark.parametrize(
    ("files", "says"),
    [
        (["sharp/1.png", "sharp/2.png", "sharp/3.png", "blur/1.png"], r"/2.png \(and 1 more\) has no blurry partner"),
        (["sharp/1.png", "blur/1.png", "blur/2.png"], r"blur/2.png has no sharp partner in \S+/sharp: add what"),
        (["gt/1.png"], r"/blur is missing, the blurry pictures to those in \S+/gt: add it"),
        (["one/blur/1.png"], r"one/sharp is missing, the sharp pictures to those in \S+/one/blur: add it"),
        (["A/sharp/1.png", "A/blur/1.png", "B/sharp/1.png"], r"B/blur is missing, the blurry pictures to those in \S+"),
        (["train_sharp/000/1.png"], r"train_blur/000 is missing, the blurry pictures to those in \S+/train_sharp/000"),
        (["s1/gt/gt_1.png", "s1/gt/gt_2.png", "s1/blur/blur_1.png"], r"gt_2.png has no blurry partner in \S+/s1/blur"),
        (["0001/000001/gt/gt_sharp.png"], r"000001/real_blur is missing, the blurry pictures to"),
        (["0/blur/0.png", "0/blur/1.png", "0/sharp/0_1.png"], r"0/blur/1.png has no sharp partner in \S+/0/sharp"),
        (["trainC/1.png"], r"trainD is missing, the sharp pictures to those in \S+/trainC"),
        (["1.png", "other/2.png"], r"no sharp-blurry pairs were found in \S+, where some were wanted in any of mani"),
        (["sharp/.1.png", "blur/.1.png"], r"no sharp-blurry pairs were found"),
    ],
)  # fmt: skip
def test_what_is_missing_is_named(tmp_path, files, says):
    make(tmp_path, *files)
    with pytest.raises(NoInputError, match=says):
        find_pairs(tmp_path)


def test_gopro_with_gaps_is_not_taken_for_gamma(tmp_path):
    make(tmp_path, "A/sharp/1.png", "A/sharp/2.png", "A/blur/1.png", "A/blur_gamma/1.png", "A/blur_gamma/2.png")
    with pytest.raises(NoInputError, match=r"A/sharp/2.png has no blurry partner in \S+/A/blur:"):
        find_pairs(tmp_path)


def test_other_layout_than_claimed(tmp_path):
    make(tmp_path, "sharp/1.png", "blur/1.png")
    with pytest.raises(NoInputError, match=r"where some were wanted in gopro \(SEQUENCE/sharp/\*.png and .* columns"):
        find_pairs(tmp_path, layout="gopro")
    with pytest.raises(NoInputError, match=r"nowhere does not exist: give a folder of pairs, or a CSV file"):
        find_pairs(tmp_path / "nowhere")


def test_one_name_twice(tmp_path):
    make(tmp_path, "sharp/1.png", "sharp/1.jpg", "blur/1.png")
    with pytest.raises(UsageError, match=r"1.jpg and \S+1.png stand for the same picture: keep one of them"):
        find_pairs(tmp_path)


@pytest.mark.parametrize(
    ("name", "text", "error", "says"),
    [
        ("a.csv", "sharp,blur\na,b\n", UsageError, r"a.csv has no column blurry: name the columns sharp, blurry and"),
        ("a.csv", "", UsageError, r"a.csv has no column sharp or blurry: name"),
        ("a.csv", "sharp,blurry\n", NoInputError, r"no sharp-blurry pairs were found in \S+a.csv"),
        (
            "a.csv",
            "sharp,blurry\nis.png,no.png\nno.png,is.png\n",
            NoInputError,
            r"names no.png \(and 1 more\), not found",
        ),
        ("a.csv", "sharp,blurry\nis.png\n", NoInputError, r"names a file without a name, not found below"),
        (
            "a.csv",
            'sharp,blurry\n"' + "x" * 200_000 + '",b\n',
            UsageError,
            r"a.csv cannot be read as CSV \(field larger",
        ),
        ("a.txt", "is.png is.png is.png\n", UsageError, r"a.txt has the line 'is.png is.png is.png': give two paths"),
        ("a.txt", "is.png no.png\n", NoInputError, r"a.txt names no.png, not found below \S+: put the list where"),
    ],
)
def test_lists_with_mistakes(tmp_path, name, text, error, says):
    make(tmp_path, "is.png")
    with pytest.raises(error, match=says):
        find_pairs(write(tmp_path / name, text))


def test_list_that_is_no_text(tmp_path):
    (tmp_path / "a.csv").write_bytes(PNG)
    with pytest.raises(UsageError, match=r"a.csv is not text in UTF-8, where a list of pairs was wanted"):
        find_pairs(tmp_path / "a.csv")


@pytest.mark.skipif(not SHARED.is_dir(), reason=f"{SHARED} is not there: data of the project, outside the repository")
@pytest.mark.parametrize(
    ("name", "count", "scene"),
    [
        ("train/gopro_half", 83, "shot1"),
        ("train/gopro_half/shot1", 83, "shot1"),
        ("train/reds_half", 50, "020"),
        ("test/gopro", 6, "gopro"),
    ],
)
def test_own_data(name, count, scene):
    pairs = find_pairs(SHARED / name)
    assert len(pairs) == count
    assert {pair.scene for pair in pairs} == {scene}
    assert all(pair.sharp.stem == pair.blurry.stem for pair in pairs)
