"""How do committed rows become the tables of a page? Between `<!-- bench:NAME -->` and `<!-- /bench -->`.

Every summary is computed again from its rows, so that no number can be typed in.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from blurspace.bench import (
    ablation,
    levin,
    pham2024_adapt,
    pham2024_gopro,
    rotation,
    speed,
    synthetic,
    tran2021_retrieval,
    tran2021_training,
    tran2021_transfer,
    transfer,
    untouched,
)
from blurspace.bench.methods import BLURRY, TOLD
from blurspace.bench.result import BenchResult, Row, markdown, read_csv
from blurspace.errors import UsageError

BLOCK = re.compile(r"(<!-- bench:([\w-]+) -->\n).*?(<!-- /bench -->)", re.DOTALL)
OLD_TOLD = "fourier-pair with true kernel"  # as rows from before the name "learned" say
WORDS = {
    BLURRY: "blurry input",
    OLD_TOLD: "fourier-pair, true kernel",
    **{told: f"{method}, true kernel" for told, method in TOLD.items()},
}
# Columns of a table from left to right: nothing done, then blind methods, then those that are told the kernel.
ORDER = (
    BLURRY,
    "kaufman2020",
    "kaufman2020-small",
    "classical-0.1",
    "classical",
    "fourier-pair",
    "learned",
    "rotation",
    "auto",
    "kernel-space",
    *TOLD,
    OLD_TOLD,
)
AGAIN: dict[str, Callable[..., BenchResult]] = {
    "levin": levin.result,
    "synthetic": synthetic.result,
    "rotation": rotation.result,
    "sharp": untouched.result,
    "speed": speed.result,
    "ablation": ablation.result,
    "transfer": transfer.result,
    "tran2021-transfer": tran2021_transfer.result,
    "tran2021-swapped": tran2021_training.swapped_result,
    "tran2021-retrieval": tran2021_retrieval.result,
    "tran2021-augmented": tran2021_training.augmented_result,
    "pham2024-adapt": pham2024_adapt.result,
    "pham2024-gopro": pham2024_gopro.result,
}


def regenerate(page: str, folder: Path) -> str:
    """The page, with every marked block made again from the CSV files in `folder`. UsageError on an unknown one."""

    def block(found: re.Match[str]) -> str:
        name = found[2]
        if name not in TABLES:
            raise UsageError(f"the page has a block bench:{name}: use one of {', '.join(TABLES)}")
        results = load(folder, name)
        body = TABLES[name](results) if results else ""
        return f"{found[1]}{body}{found[3]}"

    return BLOCK.sub(block, page)


def load(folder: Path, name: str) -> list[BenchResult]:
    """All committed results of one protocol: nothing done first, the true kernel last, all else between.

    Raises UsageError where a summary is not that of its rows, or of another protocol than today's.
    """
    results = []
    for path in sorted(folder.glob(f"{name}*.csv")):
        read = read_csv(path.read_text(encoding="utf-8"))
        fresh = AGAIN[name](read.rows, method=read.summary["method"], data=read.summary["data"])
        if fresh.summary != read.summary:
            raise UsageError(f"{path} has a summary that its rows do not give today: run its benchmark again")
        results.append(fresh)
    return sorted(results, key=lambda one: (one.summary["data"], _place(one.summary["method"])))


def levin_table(results: Sequence[BenchResult]) -> str:
    """One line per method."""
    lines = []
    for summary in (result.summary for result in results):
        under = f"{summary['error_ratio_under_2']:.0%} / {summary['error_ratio_under_3']:.0%}"
        line = {
            "method": WORDS.get(summary["method"], summary["method"]),
            "PSNR, dB": _fixed(summary["mean_psnr"], 2),
            "SSIM": _fixed(summary["mean_ssim"], 3),
            "error ratio < 2 / < 3": under,
            "worst gain, dB": _fixed(summary["min_gain_db"], 2),
            "s per picture (median)": _fixed(summary["median_seconds"], 2),
        }
        if summary["method"] == BLURRY:
            line |= {"worst gain, dB": "", "s per picture (median)": ""}
        lines.append(line)
    return markdown(lines)


def synthetic_table(results: Sequence[BenchResult]) -> str:
    """One line per data set, kernel range and noise level; PSNR / SSIM of each method in a column."""
    lines: dict[tuple[str, str, float], Row] = {}
    for summary in (result.summary for result in results):
        whole = {"range": "all", "sigma": "all", "n": summary["n"], "psnr": summary["mean_psnr"]}
        for group in (*summary["groups"], {**whole, "ssim": summary["mean_ssim"]}):
            start = {"photos": summary["data"], "kernel, px": group["range"], "noise": group["sigma"], "n": group["n"]}
            line = lines.setdefault(
                (summary["data"], group["range"], group["sigma"]), {k: str(v) for k, v in start.items()}
            )
            line[WORDS.get(summary["method"], summary["method"])] = f"{group['psnr']:.2f} / {group['ssim']:.3f}"
    columns = dict.fromkeys(column for line in lines.values() for column in line)
    return markdown([{column: line.get(column) for column in columns} for line in lines.values()])


def rotation_table(results: Sequence[BenchResult]) -> str:
    """One line per method and kind of blur."""
    lines = [
        {
            "photos": summary["data"],
            "blur": group["kind"],
            "n": group["n"],
            "method": WORDS.get(summary["method"], summary["method"]),
            "PSNR, dB": _fixed(group["psnr"], 2),
            "SSIM": _fixed(group["ssim"], 3),
            "gain, dB": _fixed(group["gain_db"], 2),
            "by a field": group["by_field"],
        }
        for summary in (result.summary for result in results)
        for group in summary["groups"]
    ]
    return markdown(sorted(lines, key=lambda line: line["blur"]))


def sharp_table(results: Sequence[BenchResult]) -> str:
    """One line per folder of sharp photos."""
    summaries = [result.summary for result in results]
    return markdown(
        [
            {
                "sharp photos": summary["data"],
                "n": summary["n"],
                "left alone": summary["left_alone"],
                "of these bit-exact": summary["bit_exact"],
            }
            for summary in summaries
        ]
    )


def speed_table(results: Sequence[BenchResult]) -> str:
    """One line per task."""
    rows = [row for result in results for row in result.rows]
    return markdown(
        [{"task": row["task"], "seconds": _fixed(row["seconds"], 2), "peak MiB": row["peak_mib"]} for row in rows]
    )


def rows_table(columns: Mapping[str, str]) -> Callable[[Sequence[BenchResult]], str]:
    """A table of the rows themselves: the columns named, under these headings."""

    def table(results: Sequence[BenchResult]) -> str:
        rows = [row for result in results for row in result.rows]
        return markdown([{shown: _decimals(row[name]) for name, shown in columns.items()} for row in rows])

    return table


def _decimals(value: object) -> object:
    return _fixed(value, 2) if isinstance(value, float) else value


def _place(method: str) -> int:
    """Methods of a protocol of its own come in the order of their files."""
    return ORDER.index(method) if method in ORDER else len(ORDER)


def _fixed(value: float | None, digits: int) -> str:
    return "" if value is None else f"{value:.{digits}f}"


def adapt_table(results: Sequence[BenchResult]) -> str:
    """One line per method, in the order of the protocol; the paper's number, of other data, beside it."""
    order = (*pham2024_adapt.METHODS, *pham2024_gopro.METHODS)
    lines = []
    for summary in sorted((result.summary for result in results), key=lambda one: order.index(one["method"])):
        judged = [summary[f"mean_{name}"] for name in ("input_known", "translated_known")]
        paper = pham2024_adapt.PAPER.get(summary["method"]) if summary["name"] == "pham2024-adapt" else None
        over = summary["mean_psnr"] - summary["mean_blurry_psnr"]
        line = {
            "method": summary["method"],
            "PSNR, dB": _fixed(summary["mean_psnr"], 2),
            "SSIM": _fixed(summary["mean_ssim"], 3),
            "over blurry (worst), dB": f"{over:+.2f} ({summary['min_gain_db']:+.2f})",
            "over known (worst), dB": f"{summary['gain_over_plain']:+.2f} ({summary['worst_gain_over_plain']:+.2f})",
            "judged known, before / after": "" if None in judged else f"{judged[0]:.0%} / {judged[1]:.0%}",
            "coarse change, mean / most": f"{summary['mean_coarse_change']:.1%} / {summary['most_coarse_change']:.1%}",
            "training, s": _fixed(summary["mean_training_seconds"], 0),
        }
        lines.append(line | ({"paper, dB": _fixed(paper, 2)} if summary["name"] == "pham2024-adapt" else {}))
    return markdown(lines)


TABLES: dict[str, Callable[[Sequence[BenchResult]], str]] = {
    "levin": levin_table,
    "synthetic": synthetic_table,
    "rotation": rotation_table,
    "sharp": sharp_table,
    "speed": speed_table,
    "ablation": rows_table(
        {
            "configuration": "configuration",
            "paper_psnr": "paper, dB",
            "psnr": "ours, dB",
            "gain": "ours over blurry, dB",
        }
    ),
    "transfer": rows_table(
        {
            "task": "task",
            "n": "n",
            "sharp_psnr": "sharp picture, dB",
            "psnr": "ours, dB",
            "worst_psnr": "worst, dB",
            "lost_db": "lost by the other shape, dB",
            "seconds": "seconds",
            "peak_mib": "peak MiB",
        }
    ),
    "pham2024-adapt": adapt_table,
    "pham2024-gopro": adapt_table,
    "tran2021-transfer": rows_table(
        {
            "kernel": "kernel",
            "sharp_psnr": "sharp picture, dB",
            "paper_psnr": "paper, dB",
            "psnr": "ours, dB",
            "worst_psnr": "worst transfer, dB",
        }
    ),
    "tran2021-swapped": rows_table({"trained_on": "trained on", "paper_psnr": "paper, dB", "psnr": "ours, dB"}),
    "tran2021-retrieval": rows_table(
        {
            "trained_on": "trained on",
            "tested_on": "tested on",
            "sharp_psnr": "sharp picture, dB",
            "uniform_psnr": "best uniform kernel, dB",
            "extracted_psnr": "extracted, dB",
            "psnr": "searched, dB",
            "paper_psnr": "paper, dB",
            "note": "note",
        }
    ),
    "tran2021-augmented": rows_table(
        {
            "trained_on": "trained on",
            **{f"{kind}_psnr": f"{kind}, dB" for kind in ("lines", "reds", "gopro")},
            **{f"paper_{kind}_psnr": f"paper: {kind}, dB" for kind in ("lines", "reds", "gopro")},
        }
    ),
}
