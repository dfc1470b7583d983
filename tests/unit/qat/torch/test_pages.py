"""What qat/README.md shows of training in torch works as it stands there."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import qat
from qat.model import Model

pytestmark = pytest.mark.torch

ROOT = Path(__file__).parents[4]
README = (ROOT / "qat" / "README.md").read_text()
ACCURACY = r"accuracy (0\.\d+)"


def program(mark: str) -> str:
    found = re.search(rf"<!-- {mark} -->\n```python\n(.*?)```", README, re.DOTALL)
    assert found, mark
    return found[1]


def run(text: str, folder: Path, *launcher: str) -> str:
    """Run a program; one thread, so that processes do not take the processor from each other."""
    (folder / "program.py").write_text(text)
    settings = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-W", "ignore", *launcher, "program.py"]
    done = subprocess.run(
        command, cwd=folder, env=settings, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_loop_of_torch_trains_a_model(tmp_path: Path) -> None:
    found = re.search(ACCURACY, run(program("torch"), tmp_path))
    assert found
    assert float(found[1]) > 0.93
    model, data = Model.load(tmp_path / "digits.npz"), qat.datasets.load("digits")
    assert f"{qat.evaluate(model, data.x_test, data.y_test):.4f}" == found[1]
    assert model.metadata["activity"]


LAUNCHER = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2")


def test_two_processes_train_one_network(tmp_path: Path) -> None:
    lines = run(program("torchrun"), tmp_path, *LAUNCHER).splitlines()
    assert len(lines) == 2
    assert lines[0] == lines[1], "both processes have the same model"
    found = re.search(ACCURACY, lines[0])
    assert found
    assert float(found[1]) > 0.9


TWO = """
import sys
import numpy as np, torch
from torch.distributed import destroy_process_group, get_rank, init_process_group
from torch.nn.functional import cross_entropy
from torch.nn.parallel import DistributedDataParallel
from qat.model import Spikes
from qat.torch import LIF, Accumulate, Dense, Sequential
{begin}
net = Sequential(Spikes(12), Dense(16, recurrent=3, delays=4), LIF(), Accumulate(3), steps=6)
net = net.double()
called = {wrapped}
random = np.random.default_rng(0)
optimizer = torch.optim.SGD(net.parameters(), lr=0.05)
for update in range(8):
    x, y = random.integers(0, 2, (6, 8, 12)), torch.as_tensor(random.integers(0, 3, 8))
    part = {part}
    loss = cross_entropy(net.logits(called(x[:, part])), y[part])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
np.savez(f"{name}.npz", **net.parameters_by_name())
"""


def test_the_gradients_of_two_processes_are_those_of_the_whole_batch(tmp_path: Path) -> None:
    alone = {"begin": "", "wrapped": "net", "part": "slice(None)", "name": "one"}
    shared = {
        "begin": 'init_process_group("gloo")',
        "wrapped": "DistributedDataParallel(net)",
        "part": "slice(4 * get_rank(), 4 * get_rank() + 4)",
        "name": "two_{get_rank()}",
    }
    run(TWO.format(**alone), tmp_path)
    run(TWO.format(**shared) + "destroy_process_group()\n", tmp_path, *LAUNCHER)
    one, *two = (np.load(tmp_path / f"{name}.npz") for name in ("one", "two_0", "two_1"))
    for name, value in one.items():
        np.testing.assert_array_equal(two[0][name], two[1][name])
        np.testing.assert_allclose(two[0][name], value, rtol=1e-9, atol=1e-12, err_msg=name)
