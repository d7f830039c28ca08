"""Which runtime is the fastest on this machine, for what the default method asks of networks?"""

from blurspace.builders import shipped
from blurspace.errors import ModelError, install
from blurspace.run import Run
from blurspace.runtimes.engines import ENGINES, installed, versioned
from blurspace.runtimes.kept import folder
from blurspace.runtimes.tuned import SIZE, WORTH, Speed, fastest, keep_choice, speeds_of

# A network of the default method; its other one is built alike.
MEASURED = ("learned", "trusting")


def tune(run: Run, *, size: tuple[int, int] = SIZE) -> dict[str, object]:
    """Measure all runtimes that are here, keep the choice for `--runtime auto`, and give the record of it.

    `size`: (h, w) of the photo whose networks are timed. Raises ModelError where there is nothing to choose from.
    """
    if not installed()[1:]:
        raise ModelError(f"there is no runtime here but torch: {install(*ENGINES)}")
    model, name = MEASURED
    speeds: list[Speed] = speeds_of(shipped(model)[0].network(name), name, size=size, run=run)
    chosen = fastest(speeds)
    return {
        "runtime": chosen,
        "versions": [versioned(one) for one in installed()],
        "seconds": {one: round(sum(part.seconds[one] for part in speeds), 4) for one in installed()},
        "network": f"{model} {name}",
        "size": list(size),
        "needed": WORTH,
        "kept": str(folder()) if keep_choice(speeds, chosen) else None,
    }
