"""Which methods are there, what is known about each, and which papers stand behind it?

An explicit table: to add a method, add a Card. This file imports no torch, so that `models` and `cite` are instant.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

from blurspace.errors import ModelError, UsageError


@dataclass(frozen=True)
class Card:
    """What is known about one method. `bytes` and `sha256` are those of its weights file, if it has one.

    `measured`: benchmark name -> numbers and, under `rows`, the committed file that they were computed from.
    `builder`: import path `module:name` of what makes the deblurrer.
    """

    name: str
    task: str
    builder: str
    parameters: int
    bytes: int
    sha256: str | None
    licence: str
    trained_on: str
    colour_space: str
    papers: tuple[str, ...]
    weights: str | None = None  # file name inside the package
    measured: dict[str, dict[str, float | str]] = field(default_factory=dict)

    def record(self) -> dict[str, object]:
        """The contract's `models --json` object."""
        names = ("name", "task", "parameters", "bytes", "sha256", "licence", "trained_on", "measured")
        return {name: getattr(self, name) for name in (*names, "colour_space")} | {"papers": list(self.papers)}


@dataclass(frozen=True)
class Paper:
    """A publication: one line for people, and its BibTeX entry."""

    text: str
    bibtex: str


CARDS: dict[str, Card] = {
    card.name: card
    for card in (
        Card(
            name="classical",
            task="deblur",
            builder="blurspace.deblur.by_kernel:KernelDeblurrer",
            parameters=0,
            bytes=0,
            sha256=None,
            licence="Apache-2.0",
            trained_on="nothing: no weights",
            colour_space="linear light where the camera response is known, else display-referred; kernel on luminance",
            papers=("xu2013", "cho2009", "krishnan2011", "krishnan2009", "rudin1992", "almeida2013"),
            measured={
                "levin": {"mean_psnr": 33.30, "mean_ssim": 0.948, "rows": "benchmarks/levin-classical.csv"},
                "levin, true kernel": {"mean_psnr": 34.59, "rows": "benchmarks/levin-true-kernel.csv"},
                "synthetic, kodak24": {"mean_psnr": 23.73, "rows": "benchmarks/synthetic-classical.csv"},
            },
        ),
    )
}

PAPERS: dict[str, Paper] = {
    "tran2021": Paper(
        "P. Tran, A. T. Tran, Q. Phung, M. Hoai. Explore Image Deblurring via Encoded Blur Kernel Space. CVPR 2021.",
        """@inproceedings{tran2021,
  title     = {Explore Image Deblurring via Encoded Blur Kernel Space},
  author    = {Tran, Phong and Tran, Anh Tuan and Phung, Quynh and Hoai, Minh},
  booktitle = {IEEE/CVF Conference on Computer Vision and Pattern Recognition (CVPR)},
  year      = {2021}
}""",
    ),
    "kaufman2020": Paper(
        "A. Kaufman, R. Fattal. Deblurring using Analysis-Synthesis Networks Pair. CVPR 2020.",
        """@inproceedings{kaufman2020,
  title     = {Deblurring using Analysis-Synthesis Networks Pair},
  author    = {Kaufman, Adam and Fattal, Raanan},
  booktitle = {IEEE/CVF Conference on Computer Vision and Pattern Recognition (CVPR)},
  year      = {2020}
}""",
    ),
    "pham2024": Paper(
        "B.-D. Pham, P. Tran, A. Tran, C. Pham, R. Nguyen, M. Hoai. Blur2Blur: Blur Conversion for Unsupervised Image "
        "Deblurring on Unknown Domains. CVPR 2024.",
        """@inproceedings{pham2024,
  title     = {{Blur2Blur}: Blur Conversion for Unsupervised Image Deblurring on Unknown Domains},
  author    = {Pham, Bang-Dang and Tran, Phong and Tran, Anh and Pham, Cuong and Nguyen, Rang and Hoai, Minh},
  booktitle = {IEEE/CVF Conference on Computer Vision and Pattern Recognition (CVPR)},
  year      = {2024},
  eprint    = {2403.16205}
}""",
    ),
    "xu2013": Paper(
        "L. Xu, S. Zheng, J. Jia. Unnatural L0 Sparse Representation for Natural Image Deblurring. CVPR 2013.",
        """@inproceedings{xu2013,
  title     = {Unnatural {L0} Sparse Representation for Natural Image Deblurring},
  author    = {Xu, Li and Zheng, Shicheng and Jia, Jiaya},
  booktitle = {IEEE Conference on Computer Vision and Pattern Recognition (CVPR)},
  pages     = {1107--1114},
  year      = {2013}
}""",
    ),
    "cho2009": Paper(
        "S. Cho, S. Lee. Fast Motion Deblurring. ACM Transactions on Graphics 28(5), 2009.",
        """@article{cho2009,
  title   = {Fast Motion Deblurring},
  author  = {Cho, Sunghyun and Lee, Seungyong},
  journal = {ACM Transactions on Graphics},
  volume  = {28},
  number  = {5},
  year    = {2009}
}""",
    ),
    "krishnan2009": Paper(
        "D. Krishnan, R. Fergus. Fast Image Deconvolution using Hyper-Laplacian Priors. NIPS 2009.",
        """@inproceedings{krishnan2009,
  title     = {Fast Image Deconvolution using Hyper-{Laplacian} Priors},
  author    = {Krishnan, Dilip and Fergus, Rob},
  booktitle = {Advances in Neural Information Processing Systems},
  year      = {2009}
}""",
    ),
    "krishnan2011": Paper(
        "D. Krishnan, T. Tay, R. Fergus. Blind Deconvolution Using a Normalized Sparsity Measure. CVPR 2011.",
        """@inproceedings{krishnan2011,
  title     = {Blind Deconvolution Using a Normalized Sparsity Measure},
  author    = {Krishnan, Dilip and Tay, Terence and Fergus, Rob},
  booktitle = {IEEE Conference on Computer Vision and Pattern Recognition (CVPR)},
  pages     = {233--240},
  year      = {2011}
}""",
    ),
    "rudin1992": Paper(
        "L. I. Rudin, S. Osher, E. Fatemi. Nonlinear total variation based noise removal algorithms. "
        "Physica D 60, 1992.",
        """@article{rudin1992,
  title   = {Nonlinear total variation based noise removal algorithms},
  author  = {Rudin, Leonid I. and Osher, Stanley and Fatemi, Emad},
  journal = {Physica D: Nonlinear Phenomena},
  volume  = {60},
  number  = {1-4},
  pages   = {259--268},
  year    = {1992}
}""",
    ),
    "almeida2013": Paper(
        "M. S. C. Almeida, M. A. T. Figueiredo. Deconvolving Images With Unknown Boundaries Using the Alternating "
        "Direction Method of Multipliers. IEEE Transactions on Image Processing 22(8), 2013.",
        """@article{almeida2013,
  title   = {Deconvolving Images With Unknown Boundaries Using the Alternating Direction Method of Multipliers},
  author  = {Almeida, Mariana S. C. and Figueiredo, M{\\'a}rio A. T.},
  journal = {IEEE Transactions on Image Processing},
  volume  = {22},
  number  = {8},
  pages   = {3074--3086},
  year    = {2013}
}""",
    ),
    "levin2009": Paper(
        "A. Levin, Y. Weiss, F. Durand, W. T. Freeman. Understanding and evaluating blind deconvolution algorithms. "
        "CVPR 2009.",
        """@inproceedings{levin2009,
  title     = {Understanding and evaluating blind deconvolution algorithms},
  author    = {Levin, Anat and Weiss, Yair and Durand, Fr{\\'e}do and Freeman, William T.},
  booktitle = {IEEE Conference on Computer Vision and Pattern Recognition (CVPR)},
  pages     = {1964--1971},
  year      = {2009}
}""",
    ),
}

# Which papers stand behind the frozen protocols of `bench`.
PROTOCOL_PAPERS: dict[str, tuple[str, ...]] = {"levin": ("levin2009",)}


def find_card(name: str) -> Card:
    """The card of that name. Raises ModelError with the names there are."""
    if name not in CARDS:
        raise ModelError(f"there is no model named {name}: give one of {', '.join(CARDS)}")
    return CARDS[name]


def load_builder(card: Card) -> Callable[..., Any]:
    """Import what builds the card's deblurrer (this may import torch). Raises ModelError where it is missing."""
    module, _, name = card.builder.partition(":")
    try:
        builder: Callable[..., Any] = getattr(import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise ModelError(f"model {card.name} needs {card.builder}, which is missing: reinstall blurspace") from error
    return builder


def verify(card: Card, *, folder: Path | None = None) -> str:
    """Check a card's weights file, in `folder` or the package, against its hash, and say in a sentence what was found.

    Raises ModelError where the file is missing or is not the one the card describes.
    """
    if card.weights is None:
        load_builder(card)
        return f"{card.name} has no weights, and its code is in place"
    path = (folder or Path(__file__).parent / "weights") / card.weights
    if not path.is_file():
        raise ModelError(f"the weights of {card.name} are missing at {path}: reinstall blurspace")
    if hashlib.sha256(path.read_bytes()).hexdigest() != card.sha256:
        raise ModelError(f"{path} is not the file that the card of {card.name} describes: reinstall blurspace")
    return f"{card.name} has the weights that its card describes"


def papers_behind(name: str) -> tuple[str, ...]:
    """Citation keys behind a model, a protocol, or a key itself. Raises UsageError on any other name."""
    if name in CARDS:
        return CARDS[name].papers
    if name in PROTOCOL_PAPERS:
        return PROTOCOL_PAPERS[name]
    if name in PAPERS:
        return (name,)
    known = ", ".join((*CARDS, *PROTOCOL_PAPERS, *PAPERS))
    raise UsageError(f"nothing named {name} has a paper here: give one of {known}")
