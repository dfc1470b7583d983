"""What an epoch of training costs: `python tests/bench/speed.py`.

Made data of MNIST's shape, 60,000 images of 784 pixels, the network 784-128-10, all ternary,
8 steps, batches of 128, one thread. What is counted is the processor time of this process.

With --snntorch the same task is trained in snnTorch as well, in this very run; that needs the
extra `bench` (torch and snntorch).
"""

from __future__ import annotations

import os
import resource
import sys
from argparse import ArgumentParser
from collections.abc import Sequence
from functools import partial
from time import process_time
from typing import Any

WAYS = {
    "snnTorch, float, usual loop": {"ternary": False, "hoisted": False},
    "snnTorch, ternary, usual loop": {"ternary": True, "hoisted": False},
    "snnTorch, float, first layer hoisted": {"ternary": False, "hoisted": True},
    "snnTorch, ternary, first layer hoisted": {"ternary": True, "hoisted": True},
}


def made(samples: int) -> tuple[Any, Any]:
    """Return x, (samples, 784) uint8, and y, (samples,) int64."""
    import numpy as np  # noqa: PLC0415  # the number of threads is read when it is loaded

    x = np.random.default_rng(0).integers(0, 256, (samples, 784), np.uint8)
    return x, np.arange(samples) % 10


def _mark(marks: list[float], epoch: Any) -> None:
    marks.append(process_time())


def measure(samples: int = 60_000, epochs: int = 2) -> tuple[float, float]:
    """Return (CPU seconds of the fastest epoch, validation included; peak memory in MB)."""
    import numpy as np  # noqa: PLC0415

    from qat.data.own import from_arrays  # noqa: PLC0415
    from qat.train.fit import fit, require_whole  # noqa: PLC0415
    from qat.train.network import Network  # noqa: PLC0415

    x, y = made(samples)
    data = from_arrays(x, y, x[:1000], y[:1000], name="made")
    net, marks = Network([784, 128, 10], bits=2, steps=8), [process_time()]
    show = partial(_mark, marks)
    require_whole(fit(net, data, epochs=epochs, batch_size=128, progress=show))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return min(np.diff(marks)), peak


def compare_with_snntorch(samples: int, ours: float) -> None:
    """Print what an epoch takes in snnTorch, and how many times ours that is."""
    from snntorch_speed import epoch_seconds  # noqa: PLC0415  # an extra

    x, y = made(samples * 9 // 10)  # our epoch leaves a tenth out, which validates
    for name, settings in WAYS.items():
        seconds = epoch_seconds(x, y, **settings)
        print(f"{name:40} {seconds:6.2f}  {seconds / ours:5.1f} times ours", flush=True)


def main(words: Sequence[str] | None = None) -> int:
    """Print what was measured; return the exit status."""
    parser = ArgumentParser(
        prog="python tests/bench/speed.py", description="CPU seconds of an epoch."
    )
    parser.add_argument("--samples", type=int, default=60_000, help="default: 60000, as MNIST")
    parser.add_argument("--snntorch", action="store_true", help="measure snnTorch as well")
    arguments = parser.parse_args(words)
    seconds, megabytes = measure(arguments.samples)
    print(f"{'spikemcu, ternary':40} {seconds:6.2f}  CPU seconds, {megabytes:.0f} MB at most")
    if arguments.snntorch:
        try:
            compare_with_snntorch(arguments.samples, seconds)
        except ImportError as error:
            print(f"{error}; pip install -e '.[bench]'", file=sys.stderr)
            return 2
    return 0


if __name__ == "__main__":
    os.environ |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    sys.exit(main())
