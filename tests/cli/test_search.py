"""`search`: networks are those of `train`; workers share a storage, die and are replaced."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import pytest
from support import postgres
from support.zoo import counting

from codegen.cli import main, parser
from codegen.cli.data import load_data
from codegen.cli.searching.candidates import Maker, costs_of, fitted
from codegen.cli.train import network_of, recipe_of, settings_of
from codegen.report.report import report
from qat.model import Model
from qat.study.search.first import usual
from qat.study.search.space import KINDS, Space
from qat.train.recipes import recipe_for

FLASH, RAM, INSTRUCTIONS = 4, 2, 20
"""KB, KB and thousands: less than the largest usual network takes."""
BUDGET = f"flash={FLASH}K,ram={RAM}K,instructions={INSTRUCTIONS}k"
TRIALS = 4


def recording() -> str:
    """Three kinds of movement, in the order of time."""
    rng = np.random.default_rng(0)
    lines = ["x,y,label"]
    for i in range(1800):
        label = i // 60 % 3
        x, y = np.sin(i * (0.2 + 0.3 * label)) + rng.normal(0, 0.1), rng.normal(0, 0.1)
        lines.append(f"{x:.2f},{y:.2f},kind{label}")
    return "\n".join(lines) + "\n"


def table() -> str:
    """Four features, of which three tell three kinds apart."""
    rng = np.random.default_rng(0)
    lines = ["a,b,c,d,label"]
    for i in range(240):
        values = ",".join(f"{v:.2f}" for v in rng.normal(2 * np.eye(4)[i % 3], 0.6))
        lines.append(f"{values},kind{i % 3}")
    return "\n".join(lines) + "\n"


ASKED = ("--board", "qemu-m4", "--budget", BUDGET, "--trials", str(TRIALS), "--epochs", "9")


@pytest.fixture(scope="module")
def words(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    path = tmp_path_factory.mktemp("search") / "moves.csv"
    path.write_text(recording())
    return [
        *("search", str(path), "--window", "20", "--group", "2", "--rate", "50"), *ASKED,
    ]  # fmt: skip


def test_a_candidate_is_the_network_that_train_makes(words: list[str]) -> None:
    argv = [*words, "-o", "out"]
    arguments = parser().parse_args(argv)
    data = load_data(arguments.data, arguments)
    maker, seen = Maker(argv, arguments, data), set()
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(1))
    while seen < set(KINDS):
        options = Space.of(data).suggest(trial := study.ask())
        try:
            candidate = maker(options)
        except ValueError:  # a kernel larger than the map
            continue
        seen.add(trial.params["kind"])
        typed = parser().parse_args(maker.words(candidate.options, "m.npz"))
        assert (typed.window, typed.rate) == (20, 50)
        net = candidate.untrained(arguments.seed)
        assert network_of(typed, candidate.data).settings() == net.settings()
        recipe = recipe_of(typed, candidate.data, net)
        assert recipe.augment == candidate.recipe.augment
        assert typed.learning_rate == candidate.recipe.learning_rate
        assert typed.rate_penalty == candidate.recipe.rate_penalty
        assert typed.weight_decay in (None, candidate.recipe.weight_decay)
        assert typed.averaging in (None, candidate.recipe.averaging)
        assert typed.epochs == candidate.epochs
    assert candidate.epochs == 9


def test_settings_of_a_training_are_typed_as_they_are_searched() -> None:
    argv = [*("search", "digits", "--board", "qemu-m4"), *("--budget", BUDGET, "-o", "out")]
    arguments = parser().parse_args(argv)
    space = Space.of(data := load_data("digits", arguments))
    maker = Maker(argv, arguments, data)
    more = {"decay": 0.1, "share": 0.02, "changes": 0.5, "rate_factor": 2.0}
    known = {**usual(space, "counts")[-1], **more}
    candidate = maker(space.suggest(optuna.trial.FixedTrial(known)))
    typed = parser().parse_args(maker.words(candidate.options, "m.npz"))
    recipe = recipe_of(typed, candidate.data, candidate.untrained(0))
    given = {name: value for name, value in settings_of(typed).items() if value is not None}
    assert replace(recipe, **given) == candidate.recipe
    usual_one = recipe_for("digits", len(data.y_train), normalised=True, on_maps=False)
    updates = usual_one.epochs * round(len(data.y_train) / usual_one.batch_size)
    assert candidate.recipe.averaging == pytest.approx(1 - 1 / (0.02 * updates), abs=1e-3)
    assert candidate.recipe.learning_rate == 2 * usual_one.learning_rate
    assert candidate.recipe.weight_decay == 0.1
    assert candidate.recipe.augment == usual_one.augment.times(0.5)


def test_what_is_too_large_gets_the_kernels_of_the_least_flash() -> None:
    model = counting.MODELS["bursts alone"]
    board, usual_costs = "qemu-m4", costs_of(counting.MODELS["bursts alone"], "qemu-m4")
    small, costs = fitted(model, board, {"flash": usual_costs.flash - 1})
    assert "kernels" in small.metadata
    assert costs == costs_of(small, board)
    assert costs.flash < usual_costs.flash
    for limits in (
        {"flash": usual_costs.flash},
        {"ram": 1},
        {"flash": usual_costs.flash / 3},
        {"flash": usual_costs.flash - 1, "instructions": usual_costs.instructions / 2},
    ):
        assert fitted(model, board, limits) == (model, usual_costs)


def test_other_architectures_are_searched_for_with_their_own_compiler_and_costs(
    words: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    argv = [*words, "--board", "qemu-rv32ec", "-o", "out"]
    arguments = parser().parse_args(argv)
    space = Space.of(data := load_data(arguments.data, arguments))
    maker, known = Maker(argv, arguments, data), {**usual(space, "spikes")[-1], "output_bits": 2}
    options = space.suggest(optuna.trial.FixedTrial(known))
    arm = Maker(argv, parser().parse_args([*words, "-o", "out"]), data)
    assert maker(options).costs.flash != arm(options).costs.flash
    unknown = {**options, "layers": "8c3", "neuron": "burst", "levels": 3}
    with pytest.raises(ValueError, match="rv32ec"):  # a plain convolution
        maker({k: v for k, v in unknown.items() if k not in ("leak", "resolution", "threshold")})
    monkeypatch.setattr("codegen.target.compiler.shutil.which", lambda name: None)
    assert main(argv) == 2
    assert "no riscv64-unknown-elf-gcc on PATH" in capsys.readouterr().err


@pytest.fixture(scope="module")
def database() -> Iterator[tuple[str, optuna.storages.RDBStorage]]:
    """A server: its URL, and a look at what lies there."""
    with postgres.server() as url:
        storage = optuna.storages.RDBStorage(url.replace("postgresql:", "postgresql+psycopg:"))
        yield url, storage
        storage.remove_session()
        storage.engine.dispose()


def run(words: list[str], **more: Any) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "codegen", *words],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **more,
    )  # fmt: skip


def workers_of(pid: int) -> list[int]:
    """Return the processes of a command that are workers."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            parent = int(path.joinpath("stat").read_text().rpartition(")")[2].split()[1])
            line = path.joinpath("cmdline").read_bytes()
        except OSError:  # it has ended
            continue
        if parent == pid and b"spawn_main" in line:
            found.append(int(path.name))
    return found


def trials_in(storage: optuna.storages.RDBStorage) -> list[optuna.trial.FrozenTrial]:
    return [
        t for study in storage.get_all_studies() for t in storage.get_all_trials(study._study_id)
    ]


@dataclass(frozen=True)
class Search:
    """A search whose first command lost a worker, and whose second found it done.

    trials: before the second one, and after it
    """

    folder: Path
    warned: str
    found: dict[str, Any]
    told: str
    trials: tuple[list[optuna.trial.FrozenTrial], list[optuna.trial.FrozenTrial]]


@pytest.fixture(scope="module")
def searched(
    database: tuple[str, optuna.storages.RDBStorage], tmp_path_factory: pytest.TempPathFactory
) -> Search:
    """Search with two workers, kill one, and give the command once more, for one worker."""
    (url, storage), folder = database, tmp_path_factory.mktemp("out")
    path = folder / "points.csv"
    path.write_text(table())
    search = ["search", str(path), *ASKED, "--storage", url, "-o", str(folder)]
    first = run([*search, "--workers", "2", "--json"])
    while not any("trained" in trial.user_attrs for trial in trials_in(storage)):
        assert first.poll() is None, first.communicate()
        time.sleep(0.2)
    os.kill(workers_of(first.pid)[0], signal.SIGKILL)
    out, warned = first.communicate()
    assert first.returncode == 0, warned
    assert len(storage.get_all_studies()) == 1
    before = trials_in(storage)
    second = run(search)
    told, err = second.communicate()
    assert second.returncode == 0, err
    return Search(folder, warned, json.loads(out), told, (before, trials_in(storage)))


def test_two_workers_share_a_database_and_one_is_killed(searched: Search) -> None:
    assert "a worker died (exit status -9); its trial goes on" in searched.warned
    trials, after = searched.trials
    assert searched.found["trained"] == TRIALS
    known = {t.number: {**t.system_attrs.get("fixed_params", {}), **t.params} for t in trials}
    lost = {t.number: known[t.number] for t in trials if t.state.name == "FAIL" and known[t.number]}
    again = {t.user_attrs["again"]: known[t.number] for t in trials if "again" in t.user_attrs}
    assert again.keys() == lost.keys()  # one that was killed while it was asked has the rest anew
    assert all(again[number].items() >= lost[number].items() for number in lost)
    assert len(after) == len(trials)
    written = json.loads((searched.folder / "points-search.json").read_text())
    assert written["front"] == searched.found["front"]


@pytest.mark.target
def test_what_is_written_is_what_is_told(searched: Search) -> None:
    folder, out = searched.folder, searched.told
    known = json.loads((folder / "points-search.json").read_text())
    assert known["front"]
    for row in known["front"]:
        assert len(row["by_seed"]) == len(row["test_by_seed"]) == 2
        assert row["validation"] == pytest.approx(np.mean(row["by_seed"]))
        assert row["test"] in row["test_by_seed"]
        told = report(Model.load(folder / row["file"]), "qemu-m4")
        assert (told.flash, told.ram + told.stack) == (row["flash"], row["ram"])
        assert (told.instructions, told.worst) == (row["instructions"], row["worst"])
        assert row["flash"] <= FLASH * 1024
        assert row["ram"] <= RAM * 1024
        assert row["instructions"] <= INSTRUCTIONS * 1000
    assert (folder / "points-search.png").read_bytes().startswith(b"\x89PNG")
    assert "typical, of the activity on validation data" in out


def test_the_next_command_trains_the_best_network(searched: Search) -> None:
    folder, out = searched.folder, searched.told
    line = shlex.split(out.splitlines()[-1])
    assert line[:2] == ["spikemcu", "train"]
    arguments = parser().parse_args(line[1:])
    best = json.loads((folder / "points-search.json").read_text())["front"][0]
    assert arguments.layers == str(best["options"]["layers"])
    assert Path(arguments.data).name == "points.csv"
    assert arguments.epochs == 2 * 9


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        (["--budget", "energy=5uJ"], "energy cannot be searched for; use flash, ram, stack, inst"),
        (["--budget", "flash=5X"], "flash: found '5X'"),
        (["--board", "qemu-m5"], "did you mean qemu-m55 or qemu-m7?"),
        (["--storage", "nosuch://here"], "--storage nosuch://here:"),
        (
            ["--budget", "flash=20", "--minutes", "0.01"],
            "no network keeps flash=20; try more --trials, or wider limits",
        ),
    ],
)
def test_what_does_not_fit_is_one_line(
    words: list[str], changed: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    out = str(Path(words[1]).parent / f"out{len(told)}")
    assert main([*words, "-o", out, *changed])
    assert told in capsys.readouterr().err.splitlines()[-1]
