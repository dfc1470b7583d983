"""What an epoch of training costs: `python -m qat.speed`.

Made data of MNIST's shape, 60,000 images of 784 pixels, the network 784-128-10, all ternary,
8 steps, batches of 128, one thread. What is counted is the processor time of this process.
"""

from __future__ import annotations

import os
import resource
from time import process_time


def measure(samples: int = 60_000, epochs: int = 2) -> tuple[float, float]:
    """Return (CPU seconds of the fastest epoch, validation included; peak memory in MB)."""
    import numpy as np  # noqa: PLC0415  # the number of threads is read when it is loaded

    from qat.datasets import from_arrays  # noqa: PLC0415
    from qat.network import Network  # noqa: PLC0415
    from qat.train import fit  # noqa: PLC0415

    random = np.random.default_rng(0)
    x = random.integers(0, 256, (samples, 784), np.uint8)
    y = np.arange(samples) % 10
    data = from_arrays(x, y, x[:1000], y[:1000], name="made")
    net, marks = Network([784, 128, 10], bits=2, steps=8), [process_time()]
    fit(net, data, epochs=epochs, batch_size=128, progress=lambda _: marks.append(process_time()))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return min(np.diff(marks)), peak


if __name__ == "__main__":
    os.environ |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    seconds, megabytes = measure()
    print(f"{seconds:.2f} CPU seconds per epoch, {megabytes:.0f} MB at most")
