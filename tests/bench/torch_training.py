"""A plain loop of torch beside `qat.fit`: the same recipe, a row for each seed.

    python tests/bench/torch_training.py [digits|mnist] [--seeds 3] [--epochs 100]

needs the extra torch. Both keep the best epoch on validation data; the test part is looked at once.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch.optim.lr_scheduler import CosineAnnealingLR
from torch.utils.data import DataLoader, TensorDataset

import qat
from qat.data.dataset import Dataset
from qat.train.network import Network
from qat.train.optimiser import FINAL_RATE
from qat.train.recipes import RECIPES, Recipe

TASKS = {
    "digits": ([64, 64, 10], RECIPES["digits"]),
    "mnist": ([784, 128, 10], replace(RECIPES["mnist"], epochs=20, averaging=0.0, augment=None)),
}
"""Networks and recipes; on MNIST without what a plain loop has not: images that are changed, and
weights that are averaged."""


def of_fit(data: Dataset, sizes: list[int], recipe: Recipe, seed: int) -> tuple[float, float]:
    """Return (validation, test) accuracy of qat.fit."""
    net = Network(sizes, seed=seed)
    qat.fit(net, data, seed, recipe=recipe)
    parts = ((data.x_validation, data.y_validation), (data.x_test, data.y_test))
    validation, test = (qat.evaluate(net, x, y) for x, y in parts)
    return validation, test


def of_torch(data: Dataset, sizes: list[int], recipe: Recipe, seed: int) -> tuple[float, float]:
    """Return (validation, test) accuracy of a loop of torch, of the exported model."""
    torch.manual_seed(seed)
    net = qat.torch.from_network(Network(sizes, seed=seed, input_range=data.input_range))
    parts = TensorDataset(torch.as_tensor(data.x_train), torch.as_tensor(data.y_train))
    batches = DataLoader(parts, batch_size=recipe.batch_size, shuffle=True)
    optimizer = torch.optim.AdamW(net.groups(recipe.learning_rate, recipe.weight_decay))
    updates = recipe.epochs * len(batches)
    schedule = CosineAnnealingLR(optimizer, updates, FINAL_RATE * recipe.learning_rate)
    best: tuple[float, Any] = (0.0, None)
    for _ in range(recipe.epochs):
        for x, y in batches:
            optimizer.zero_grad()
            loss(net, recipe, x, y).backward()
            optimizer.step()
            schedule.step()
        right = float((net.run(data.x_validation).predictions == data.y_validation).mean())
        if right > best[0]:
            best = right, qat.torch.export(net)
    return best[0], qat.evaluate(best[1], data.x_test, data.y_test)


def loss(net: Any, recipe: Recipe, x: Any, y: Any) -> Any:
    """Return the cross entropy, and the penalty on spikes that the recipe has."""
    sent = net.sent(x)
    entropy = torch.nn.functional.cross_entropy(net.logits(sent.scores), y)
    rates = (spikes.mean(dim=(0, 1)) for spikes in sent.spikes)
    return entropy + recipe.rate_penalty * sum((rate**2).sum() for rate in rates)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", nargs="?", choices=TASKS, default="digits")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--epochs", type=int)
    given = parser.parse_args()
    sizes, recipe = TASKS[given.data]
    recipe = replace(recipe, epochs=given.epochs or recipe.epochs)
    data, tests = qat.datasets.load(given.data), []
    print("| seed | fit: validation, test | torch: validation, test | seconds |\n|---|---|---|---|")
    for seed in range(given.seeds):
        start = time.perf_counter()
        fit = of_fit(data, sizes, recipe, seed)
        middle = time.perf_counter()
        own = of_torch(data, sizes, recipe, seed)
        seconds = f"{middle - start:.0f}, {time.perf_counter() - middle:.0f}"
        cells = [f"{100 * a:.2f}, {100 * b:.2f} %" for a, b in (fit, own)]
        print(f"| {seed} | {cells[0]} | {cells[1]} | {seconds} |", flush=True)
        tests.append((fit[1], own[1]))
    means = 100 * np.mean(tests, axis=0)
    print(f"\nmean of the test part: fit {means[0]:.2f} %, torch {means[1]:.2f} %")


if __name__ == "__main__":
    main()
