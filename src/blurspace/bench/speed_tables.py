"""How do time and memory grow, and what does a million photos cost? The tables of protocol `speed`.

Each ends in `other work`: how many cores other processes kept busy while a line was measured, at most.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any

from blurspace.bench.result import BenchResult, Row

LINEAR = 1.2  # the bar of seconds for a megapixel, of a large photo over a phone's
PHONE = 12.0  # megapixels
MILLION, PRICE = 1_000_000, 0.04  # photos, and what an hour of a core costs: an example, not an offer
SHARES = (0.0, 0.5)  # of photos that are sharp: examples


def growth(rows: Sequence[Row]) -> Row:
    """What rows of one method add up to; None where a row is missing.

    `seconds_1_mp`, `peak_mib_1_mp`: of one megapixel. `linear`: seconds for a megapixel of the largest photo over those
    of a phone's, `linear_given` the same where the kernel is given. `kernel_growth`: the exponent of the kernel's size
    in the seconds, 1 being linear. `grown_mib`: by how much more memory one process held after many photos than after
    few. `jobs`: the throughput of several jobs over that of one with all threads, `jobs_one_thread` over that of one
    with one thread.
    """
    one = find(rows, "size", megapixels=1.0)
    kernels = sorted((row for row in rows if row["varied"] == "kernel"), key=lambda row: row["kernel_px"])
    photos = [row for row in rows if row["varied"] == "photos"]
    jobs = [row for row in rows if row["varied"] == "jobs"]
    several = next((row for row in jobs if row["jobs"] > 1), None)
    return {
        "seconds_1_mp": one and one["seconds"],
        "peak_mib_1_mp": one and one["peak_mib"],
        "help_seconds": (help_row := find(rows, "help")) and help_row["seconds"],
        "linear": linear(rows, "size"),
        "linear_given": linear(rows, "kernel given"),
        "kernel_growth": exponent(kernels[0], kernels[-1]) if len(kernels) > 1 else None,
        "grown_mib": photos[-1]["peak_mib"] - photos[0]["peak_mib"] if len(photos) > 1 else None,
        "jobs": faster(several, jobs, lambda row: row["jobs"] == 1 and row["threads"] > 1),
        "jobs_one_thread": faster(several, jobs, lambda row: row["jobs"] == 1 and row["threads"] == 1),
    }


def find(rows: Sequence[Row], varied: str, **columns: object) -> Row | None:
    """The row in which that was varied, and whose columns are these."""
    wanted = {"varied": varied, **columns}
    return next((row for row in rows if wanted.items() <= row.items()), None)


def linear(rows: Sequence[Row], varied: str) -> float | None:
    """Seconds for a megapixel of the largest photo over those of a phone's; None where it is the largest."""
    phone = find(rows, varied, megapixels=PHONE)
    larger = [row for row in rows if row["varied"] == varied and row["megapixels"] > PHONE]
    if phone is None or not larger:
        return None
    most = max(larger, key=lambda row: row["megapixels"])
    return round(most["seconds_per_mp"] / phone["seconds_per_mp"], 3)


def exponent(small: Row, large: Row) -> float:
    """The slope between two rows of other kernels in a plot whose axes are logarithmic."""
    return round(math.log(large["seconds"] / small["seconds"]) / math.log(large["kernel_px"] / small["kernel_px"]), 3)


def faster(several: Row | None, rows: Sequence[Row], slow: Callable[[Row], bool]) -> float | None:
    """How many times one row's throughput is that of the first other that is `slow`."""
    other = next(filter(slow, rows), None)
    return None if several is None or other is None else round(other["seconds"] / several["seconds"], 3)


def sizes(results: Sequence[BenchResult]) -> list[Row]:
    """A line for each size; the seconds of the whole command, and its memory, in a column for each method."""
    return pivot(results, ("size",), "megapixels", lambda row: row["megapixels"], spent)


def given(results: Sequence[BenchResult]) -> list[Row]:
    """The same where the kernel is given, so that nothing is searched for."""
    return pivot(results, ("kernel given",), "megapixels", lambda row: row["megapixels"], spent)


def kernels(results: Sequence[BenchResult]) -> list[Row]:
    """A line for each size of the kernel: seconds at one megapixel, and what became of the photo."""
    return pivot(
        results,
        ("kernel",),
        "kernel, px",
        lambda row: row["kernel_px"],
        lambda row: f"{row['seconds']:.1f} s, {row['verdict']}",
    )


def ways(results: Sequence[BenchResult]) -> list[Row]:
    """A line for each runtime and number of threads: seconds and memory at one megapixel."""
    return pivot(
        results, ("runtime", "threads"), "runtime, threads", lambda row: f"{row['runtime']}, {row['threads']}", spent
    )


def spent(row: Row) -> str:
    """Seconds and memory, and the verdict where nothing was restored."""
    told = "" if row["verdict"] == "restored" else f", {row['verdict']}"
    return f"{row['seconds']:.1f} s, {row['peak_mib']} MiB{told}"


def pivot(
    results: Sequence[BenchResult],
    varied: Sequence[str],
    heading: str,
    name: Callable[[Row], Any],
    said: Callable[[Row], str],
) -> list[Row]:
    """A line for each name that rows have in which that was varied, a column for each method, and what is said of each.

    Where the size was not varied, the row that the others differ from is among them.
    """
    cells = dict[Any, dict[str, Row]]()
    for result in results:
        rows = [row for row in result.rows if row["varied"] in varied]
        base = find(result.rows, "size", megapixels=1.0)
        if rows and base and max(row["megapixels"] for row in rows) == 1:
            rows.append(base)
        for row in rows:
            cells.setdefault(name(row), {})[result.summary["method"]] = row
    methods = dict.fromkeys(method for line in cells.values() for method in line)
    return [
        {
            heading: f"{key:g}" if isinstance(key, float) else key,
            **{method: said(cells[key][method]) if method in cells[key] else "" for method in methods},
            "other work": other_work(list(cells[key].values())),
        }
        for key in sorted(cells)
    ]


def linearity(results: Sequence[BenchResult]) -> list[Row]:
    """A line for each method: what a megapixel costs in the largest photo, and how much the kernel's size counts."""
    told = []
    for result in results:
        found = result.summary
        wholes = [row for row in result.rows if row["varied"] == "size"]
        largest = max((row["megapixels"] for row in wholes), default=0.0)
        told.append(
            {
                "method": found["method"],
                "largest, MP": f"{largest:g}",
                f"a megapixel of the largest over one of {PHONE:g}": barred(found["linear"], LINEAR),
                "the same, kernel given": barred(found["linear_given"], LINEAR),
                "exponent of the kernel's size": barred(found["kernel_growth"], 1.0),
                "MiB grown by photos": found["grown_mib"],
                "seconds of --help": "" if found["help_seconds"] is None else f"{found['help_seconds']:.2f}",
                "other work": other_work(result.rows),
            }
        )
    return told


def barred(value: float | None, most: float) -> str:
    """A number, and whether it is within its bar."""
    return "" if value is None else f"{value:.2f} ({'within' if value <= most else 'above'} {most:g})"


def jobs(results: Sequence[BenchResult]) -> list[Row]:
    """A line for each number of jobs: the seconds of all photos, and the throughput over that of one job."""
    told = []
    for result in results:
        rows = [row for row in result.rows if row["varied"] == "jobs"]
        for row in rows:
            whole = faster(row, rows, lambda one: one["jobs"] == 1 and one["threads"] > 1)
            single = faster(row, rows, lambda one: one["jobs"] == 1 and one["threads"] == 1)
            told.append(
                {
                    "method": result.summary["method"],
                    "photos": f"{row['photos']} of {row['megapixels']:g} MP",
                    "jobs": row["jobs"],
                    "threads, all jobs together": row["threads"],
                    "seconds": f"{row['seconds']:.1f}",
                    "core-seconds": row["core_seconds"],
                    "throughput over one job with all threads": "" if whole is None else f"{whole:.2f}",
                    "over one job with one thread": "" if single is None else f"{single:.2f}",
                    "other work": other_work([row]),
                }
            )
    return told


def cost(results: Sequence[BenchResult]) -> list[Row]:
    """A line for each method: core-seconds of a phone's photo on one core, and hours and price of a million."""
    told = []
    for result in results:
        rows = [row for row in result.rows if row["varied"] == "one core"]
        sharp = find(rows, "one core", kernel_px=0)
        blurry = next((row for row in rows if row["kernel_px"]), None)
        if sharp is None or blurry is None or blurry["core_seconds"] is None:
            continue
        hours = {share: core_hours(share, blurry["core_seconds"], sharp["core_seconds"]) for share in SHARES}
        told.append(
            {
                "method": result.summary["method"],
                "b, core-seconds": blurry["core_seconds"],
                "its verdict": blurry["verdict"],
                "s, core-seconds": sharp["core_seconds"],
                "MiB of a worker": blurry["peak_mib"],
                **{f"core-hours, f = {share:g}": f"{value:,.0f}" for share, value in hours.items()},
                **{f"price at {PRICE:g}, f = {share:g}": f"{value * PRICE:,.0f}" for share, value in hours.items()},
                "other work": other_work(rows),
            }
        )
    return told


def core_hours(share: float, blurry: float, sharp: float) -> float:
    """Of a million photos, of which that share is sharp, from core-seconds of one of each."""
    return MILLION * ((1 - share) * blurry + share * sharp) / 3600


def other_work(rows: Sequence[Row]) -> str:
    """The most cores that other processes kept busy meanwhile."""
    known = [row["others"] for row in rows if row["others"] is not None]
    return f"{max(known):.1f}" if known else ""


VIEWS: dict[str, Callable[[Sequence[BenchResult]], list[Row]]] = {
    "given": given,
    "linearity": linearity,
    "kernels": kernels,
    "ways": ways,
    "jobs": jobs,
    "cost": cost,
}
