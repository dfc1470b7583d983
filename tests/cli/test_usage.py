"""A command line that cannot be read: one line, what was meant, and the exit status of a signal."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import FrozenInstanceError
from importlib import import_module
from pathlib import Path

import pytest

from codegen.cli import command, main, output
from codegen.cli.options.common import BITS
from codegen.cli.output import Output
from codegen.cli.verbs import VERBS
from codegen.cli.verbs.verb import Verb
from qat.model import Model, did_you_mean

CASES = [
    ([], "spikemcu: missing: VERB; there are demo, data, train,"),
    (["trian", "digits"], "spikemcu: 'trian' is no verb; did you mean train?"),
    (["fly"], "spikemcu: 'fly' is no verb; there are demo, data,"),
    (["--verson"], "spikemcu: --verson: is no option here; did you mean --version?"),
    (["train", "digits"], "spikemcu train: missing: -o/--output"),
    (["train"], "spikemcu train: missing: DATASET|FILE, -o/--output"),
    (["train", "digits", "-o", "m", "--bits", "3"], "--bits: found 3; must be 2, 4, 8 or 16"),
    (["train", "digits", "-o", "m", "--bits"], "spikemcu train: --bits: needs a value"),
    (["train", "digits", "-o", "m", "--inp", "4"], "--inp: could be --input-bits or --input"),
    (["train", "digits", "-o", "m", "--json=3"], "--json: found '3'; takes no value"),
    (["train", "digits", "-o", "m", "--seed", "-1"], "--seed: found '-1'; must be a whole number"),
    (["train", "digits", "-o", "m", "--seed", "x"], "--seed: found 'x'; must be a whole number"),
    (["train", "digits", "-o", "m", "--epochs", "\u00b2"], "must be a whole number of at least 1"),
    (["train", "digits", "-o", "m", "--learning-rate", "fast"], "found 'fast'; must be a number"),
    (["train", "digits", "-o", "m", "--learning-rate", "nan"], "found 'nan'; must be a number"),
    (
        ["train", "digits", "-o", "m", "--input", "analogue"],
        "must be analog, frames, spikes, rate,",
    ),
    (["train", "digits", "--outptu", "m"], "--outptu: is no option here; did you mean --output"),
    (["train", "digits", "-o", "m", "--hiden=3"], "--hiden: is no option here; did you mean --hid"),
    (["train", "digits", "more", "-o", "m"], "spikemcu train: 'more': is one word too many"),
    (["check", "m.npz", "-q"], "spikemcu check: -q: is no option here"),
]


@pytest.mark.parametrize(("words", "line"), CASES, ids=[" ".join(words) for words, _ in CASES])
def test_wrong_use_is_one_line(
    words: list[str], line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        main(words)
    out, err = capsys.readouterr()
    assert caught.value.code == 2
    assert out == ""
    assert line in err
    assert err.count("\n") == 1
    assert "--help` says more" in err


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        (["train", "digts", "-o", "m.npz"], "did you mean digits?"),
        (["train", "digits", "-o", "m.npz", "--recipe", "mnits"], "did you mean mnist"),
        (["compare", "digits", "--format", "pgn"], "did you mean png?"),
        (["compare", "digits", "--board", "qemu-m44"], "did you mean qemu-m4"),
    ],
)
def test_what_was_meant_is_said(
    words: list[str],
    meant: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(words) == 2
    err = capsys.readouterr().err
    assert meant in err
    assert err.count("\n") == 1


@pytest.mark.parametrize("verb", VERBS, ids=[verb.name for verb in VERBS])
def test_the_function_of_a_verb_is_there(verb: Verb) -> None:
    module, function = verb.function.split(":")
    assert callable(getattr(import_module(f"codegen.cli.{module}"), function))


def test_an_option_of_another_verb_stays_as_it_was() -> None:
    """What several verbs have is a value: a verb that words it otherwise changes no other."""
    other = BITS.but(help="other", default=4)
    assert (other.words, other.default, other.type) == ("--bits", 4, BITS.type)
    assert BITS.default is None
    with pytest.raises(FrozenInstanceError):
        BITS.default = 4  # type: ignore[misc]


def test_only_what_looks_alike_is_meant() -> None:
    assert did_you_mean("Digits", ["mnist", "digits"]) == "; did you mean digits?"
    assert did_you_mean("temperature", ["mnist", "digits"]) == ""
    assert did_you_mean("", ["mnist"]) == ""


# ---------------------------------------------------------------------- Ctrl-C


def test_ctrl_c_before_the_verb_is_known(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("codegen.cli._parsed", interrupted)
    assert main(["info", "m.npz"]) == 130
    assert capsys.readouterr().err == "spikemcu info: interrupted\n"


def test_ctrl_c_outside_of_main(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted() -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr("codegen.cli.main", interrupted)
    kept = signal.getsignal(signal.SIGTERM)
    try:
        assert command() == 130
    finally:
        signal.signal(signal.SIGTERM, kept)


@pytest.mark.parametrize(
    ("number", "status", "said"),
    [(signal.SIGINT, 130, "interrupted after"), (signal.SIGTERM, 143, "spikemcu train: told to")],
)
def test_a_signal_while_training(
    number: signal.Signals, status: int, said: str, tmp_path: Path, cache: Path
) -> None:
    """The best epoch so far is kept: after Ctrl-C as the model, in any case in the run's folder."""
    words = ["train", "digits", "-o", "m.npz", "--hidden", "8", "--epochs", "100000", "--json"]
    started = subprocess.Popen(
        [sys.executable, "-m", "codegen", *words],
        cwd=tmp_path, env=os.environ | {"SPIKEMCU_CACHE": str(cache)},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    best = tmp_path / "m.run" / "model.npz"
    while not best.exists():
        assert started.poll() is None
        time.sleep(0.02)
    started.send_signal(number)
    out, err = started.communicate(timeout=1200)
    assert started.returncode == status
    assert "Traceback" not in err
    assert said in err
    assert Model.load(best).outputs == 10
    if number == signal.SIGINT:
        assert json.loads(out)["interrupted"]
        assert Model.load(tmp_path / "m.npz").outputs == 10


# -------------------------------------------------------------------- silence


class Said:
    """Arguments of a verb."""

    json, verb = False, "check"


def test_silence_ends_in_what_is_being_done(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out = Output(Said)  # type: ignore[arg-type]  # has what it reads
    out.progress("compiling")
    out.end_silence()
    assert capsys.readouterr().err == ""  # too early
    monkeypatch.setattr(output, "SECONDS_OF_SILENCE", -1.0)
    monkeypatch.setattr(output, "SECONDS_BETWEEN_LINES", -1.0)
    out.end_silence()
    out.end_silence()
    assert capsys.readouterr().err == "compiling\n"
    out.say("done")
    out.end_silence()
    streams = capsys.readouterr()
    assert (streams.out, streams.err) == ("done\n", "spikemcu check: working\n")


def test_a_silent_verb_is_watched(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The thread that ends a silence does so by itself, and ends with the Output."""
    monkeypatch.setattr(output, "SECONDS_BETWEEN_LOOKS", 0.01)
    out = Output(Said)  # type: ignore[arg-type]  # has what it reads
    monkeypatch.setattr(output, "SECONDS_OF_SILENCE", -1.0)
    said = ""
    while not said:  # for as long as it takes
        time.sleep(0.01)
        said = capsys.readouterr().err
    assert said == "spikemcu check: working\n"
    del out
