"""Every verb reads a file as the data that trained its model were, without being told again."""

from __future__ import annotations

import json
from argparse import Namespace
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from codegen.cli import main
from codegen.cli.data import data_of
from qat import Network, export, fit
from qat.data.dataset import Dataset
from qat.data.named import load, load_for
from qat.data.origin import KEY, DataOrigin
from qat.data.own import from_arrays
from qat.model import Model

WORDS = ("walk", "run", "sit")
COLUMNS = ("time", "ax", "ay", "az", "gx", "activity")
COUNT = 150
SEED = 3

Row = dict[str, str]


def rows(words: Sequence[str] = WORDS, count: int = COUNT, seed: int = 0) -> list[Row]:
    """Return lines of a file of features: a class moves one of four."""
    random, found = np.random.RandomState(seed), []
    for i in range(count):
        word = words[i % len(words)]
        values = random.normal(0, 0.5, 4) + 4 * np.eye(4)[WORDS.index(word)]
        cells = [str(i), *(f"{value:.3f}" for value in values), word]
        found.append(dict(zip(COLUMNS, cells, strict=True)))
    return found


def write(
    path: Path, lines: Sequence[Row], columns: Sequence[str] = COLUMNS, header: bool = True
) -> Path:
    text = [",".join(columns)] if header else []
    path.write_text("\n".join([*text, *(",".join(line[c] for c in columns) for line in lines), ""]))
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file, and the model that one epoch on it makes."""
    path = tmp_path_factory.mktemp("knows")
    data = write(path / "all.csv", rows())
    words = ["--hidden", "6", "--epochs", "1", "--steps", "2", "--seed", str(SEED)]
    told = ["--label", "activity", "--ignore", "time", "--rate", "50"]
    assert main(["train", str(data), *words, *told, "-o", str(path / "m.npz"), "--json"]) == 0
    return path


@pytest.fixture(scope="module")
def model(folder: Path) -> Model:
    return Model.load(folder / "m.npz")


def read(model: Model, path: Path, **asked: Any) -> tuple[Dataset, bool]:
    """Return what a verb reads that is told nothing but the file."""
    options = {key: asked.pop(key) for key in ("divided", "labelled") if key in asked}
    return data_of(model, Namespace(data=str(path), **asked), **options)


def told(
    capsys: pytest.CaptureFixture[str], *words: object, status: int = 0
) -> tuple[dict[str, Any], str]:
    """Run a verb with --json; return what it prints, and what it says beside."""
    capsys.readouterr()
    assert main([*map(str, words), "--json"]) == status
    out, err = capsys.readouterr()
    return json.loads(out or "{}"), err


# ---------------------------------------------------------------------- the division


def test_what_trained_it_is_divided_as_it_was_then(folder: Path, model: Model) -> None:
    data, trained = read(model, folder / "all.csv")
    own = load(folder / "all.csv", SEED, label="activity", ignore=("time",))
    assert trained
    for part in ("train", "validation", "test"):
        assert (getattr(data, f"x_{part}") == getattr(own, f"x_{part}")).all()
        assert (getattr(data, f"y_{part}") == getattr(own, f"y_{part}")).all()


def test_judges_use_the_test_part_of_training(
    folder: Path, model: Model, capsys: pytest.CaptureFixture[str]
) -> None:
    found, _ = told(capsys, "anytime", folder / "m.npz", "--data", folder / "all.csv")
    assert found["accuracy_by_step"]["test"][-1] == model.metadata["accuracy"]["test"]
    assert found["accuracy_by_step"]["validation"][-1] == model.metadata["accuracy"]["validation"]


def test_another_file_is_a_test_all_of_it(folder: Path, model: Model, tmp_path: Path) -> None:
    other = write(tmp_path / "new.csv", rows(seed=9, count=40))
    data, trained = read(model, other)
    assert not trained
    assert [len(y) for y in (data.y_train, data.y_validation, data.y_test)] == [0, 0, 40]
    divided, _ = read(model, other, divided=True)
    assert len(divided.y_train) > len(divided.y_test) > 0
    assert len(divided.y_validation) > 0


def test_a_whole_file_comes_in_its_order(folder: Path, model: Model) -> None:
    data, trained = read(model, folder / "all.csv", divided=False)
    assert trained
    assert [model.class_names[label] for label in data.y_test] == [
        WORDS[i % 3] for i in range(COUNT)
    ]


def test_lines_added_to_what_trained_it_are_noticed(
    folder: Path, model: Model, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A file that begins with the training data is another one, most of which trained it."""
    longer = write(tmp_path / "longer.csv", [*rows(), *rows(seed=5, count=30)])
    data, trained = read(model, longer)
    assert not trained
    assert "of these samples trained the model" in data.warnings[0]
    _, said = told(capsys, "check", folder / "m.npz", "--data", longer)
    assert data.warnings[0] in said


# ----------------------------------------------------------------------- the columns


def test_columns_are_found_by_their_names(folder: Path, model: Model, tmp_path: Path) -> None:
    """In another order, and with others between them, it is still the file that trained it."""
    lines = [{**line, "note": "some text"} for line in rows()]
    order = ("az", "note", "activity", "gx", "ay", "ax")
    data, trained = read(model, write(tmp_path / "moved.csv", lines, order))
    assert trained
    assert (data.x_test == read(model, folder / "all.csv")[0].x_test).all()
    assert any("'note'" in note for note in data.notes)


def test_a_missing_column_is_named(model: Model, tmp_path: Path) -> None:
    columns = ("ax", "ay", "gx", "activity")
    with pytest.raises(ValueError, match="'az'"):
        read(model, write(tmp_path / "less.csv", rows(), columns))


def test_a_file_without_header_has_no_names(model: Model, tmp_path: Path) -> None:
    columns = ("ax", "ay", "az", "gx", "activity")
    with pytest.raises(ValueError, match="header"):
        read(model, write(tmp_path / "bare.csv", rows(), columns, header=False))


def test_one_line_is_enough(model: Model, tmp_path: Path) -> None:
    """A header and a sample, with nothing behind it."""
    path = write(tmp_path / "single.csv", rows(count=1))
    path.write_text(path.read_text().rstrip("\n"))
    data, _ = read(model, path)
    assert [model.class_names[label] for label in data.y_test] == ["walk"]


def test_the_label_column_may_have_another_name(model: Model, tmp_path: Path) -> None:
    lines = [{**line, "what": line["activity"]} for line in rows()]
    path = write(tmp_path / "what.csv", lines, ("ax", "ay", "az", "gx", "what"))
    with pytest.raises(ValueError, match="'activity'"):
        read(model, path)
    assert read(model, path, label="what")[1]


def test_a_file_may_lack_labels_where_none_are_needed(model: Model, tmp_path: Path) -> None:
    path = write(tmp_path / "unlabelled.csv", rows(), ("gx", "ax", "ay", "az"))
    data, _ = read(model, path, labelled=False)
    assert (data.y_test == -1).all()
    assert len(data.x_test) == COUNT


def test_a_very_wide_file_without_labels(tmp_path: Path) -> None:
    """Such tables are read another way than others."""
    width = 1100
    names = tuple(f"c{i}" for i in range(width))
    x = np.random.RandomState(0).randint(0, 200, (30, width))
    data = from_arrays(x, np.arange(30) % 2, channel_names=names)
    net = Network([width, 2, 2], steps=1, seed=0)
    fit(net, data, epochs=1)
    lines = [names[::-1], *x[:3, ::-1].astype(str)]
    (tmp_path / "wide.csv").write_text("\n".join(map(",".join, lines)))
    found, _ = read(export(net), tmp_path / "wide.csv", labelled=False)
    assert (found.x_test == x[:3]).all()
    assert (found.y_test == -1).all()


def test_decimal_commas(model: Model, tmp_path: Path) -> None:
    """The same values as another program writes them: the same samples."""
    lines = ["ax;ay;az;gx;activity"]
    for line in rows():
        cells = [line[c].replace(".", ",") for c in ("ax", "ay", "az", "gx")]
        lines.append(";".join([*cells, line["activity"]]))
    path = tmp_path / "comma.csv"
    for separator in (";", "\t"):  # with tabs the commas of the model's own form are there as well
        path.write_text("\n".join(lines).replace(";", separator))
        assert read(model, path)[1]


# ------------------------------------------------------------------------ the classes


def test_classes_mean_what_they_meant(model: Model, tmp_path: Path) -> None:
    data, _ = read(model, write(tmp_path / "two.csv", rows(("sit", "walk"))))
    assert [model.class_names[label] for label in data.y_test[:2]] == ["sit", "walk"]
    assert any("'run'" in note for note in data.notes)


@pytest.mark.parametrize("word", ["hop", "Walk", "\x1b[31mwalk"])
def test_an_unknown_class_is_one_line(
    word: str, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = [{**line, "activity": word} if i == 7 else line for i, line in enumerate(rows())]
    path = write(tmp_path / "hop.csv", lines)
    _, said = told(capsys, "check", folder / "m.npz", "--data", path, status=2)
    assert said.count("\n") == 1
    assert "'run', 'sit', 'walk'" in said
    assert said.strip().isprintable()


def test_numbers_as_labels_are_found_by_their_value(tmp_path: Path) -> None:
    """Labels 0, 1 and 2 in training; a file that has 1.0 and 2 only."""
    number = {word: str(i) for i, word in enumerate(WORDS)}
    lines = [{**line, "activity": number[line["activity"]]} for line in rows()]
    data = write(tmp_path / "numbers.csv", lines)
    out = tmp_path / "n.npz"
    words = ["--hidden", "4", "--epochs", "1", "--steps", "2", "--ignore", "time"]
    assert main(["train", str(data), *words, "--label", "activity", "-o", str(out), "--json"]) == 0
    later = [{**line, "activity": ("1.0", "2")[i % 2]} for i, line in enumerate(lines)]
    found, _ = read(Model.load(out), write(tmp_path / "later.csv", later))
    assert found.y_test[:4].tolist() == [1, 2, 1, 2]
    strange = [{**line, "activity": "3"} for line in lines]
    with pytest.raises(ValueError, match="'3'"):
        read(Model.load(out), write(tmp_path / "strange.csv", strange))


# ---------------------------------------------------------------- values and flags


def test_what_the_model_fixes_is_refused(model: Model, folder: Path) -> None:
    with pytest.raises(ValueError, match="the model takes no windows"):
        read(model, folder / "all.csv", window=8)


def test_values_that_no_sample_holds(model: Model, tmp_path: Path) -> None:
    lines = [{**line, "gx": "4e6"} if i == 3 else line for i, line in enumerate(rows())]
    with pytest.raises(ValueError, match="channel gx holds 4e"):
        read(model, write(tmp_path / "huge.csv", lines))


def test_a_file_in_another_unit(model: Model, tmp_path: Path) -> None:
    """Values in thousandths, said by --unit: the same samples."""
    origin = DataOrigin.of(model)
    assert origin is not None
    assert isinstance(origin.unit, float)
    fine = [
        {**line, **{c: f"{1000 * float(line[c]):.0f}" for c in ("ax", "ay", "az", "gx")}}
        for line in rows()
    ]
    assert read(model, write(tmp_path / "milli.csv", fine), unit=1000 * origin.unit)[1]


def test_bits_that_training_took_off_are_taken_off_again(tmp_path: Path) -> None:
    """A file whose values are small is not to be scaled by its own range."""
    random = np.random.RandomState(0)
    lines = ["a,b,label", *(f"{random.randint(256)},{random.randint(256)},{'xy'[i % 2]}"
                            for i in range(60))]  # fmt: skip
    (tmp_path / "bytes.csv").write_text("\n".join(lines))
    (tmp_path / "small.csv").write_text("a,b,label\n17,33,x\n1,300,y\n")
    words = ["--hidden", "4", "--epochs", "1", "--steps", "2", "--input-bits", "4"]
    out = tmp_path / "b.npz"
    assert main(["train", str(tmp_path / "bytes.csv"), *words, "-o", str(out), "--json"]) == 0
    data, _ = read(Model.load(out), tmp_path / "small.csv")
    assert data.x_test.tolist() == [[1, 2], [0, 15]]
    assert any("beyond 0 to 255" in note for note in data.notes)
    assert read(Model.load(out), tmp_path / "bytes.csv")[1]
    (tmp_path / "real.csv").write_text("a,b,label\n17.5,33,x\n1,3,y\n")
    with pytest.raises(ValueError, match=r"holds 17.5; the model was trained on whole numbers"):
        read(Model.load(out), tmp_path / "real.csv")


def test_values_that_were_scaled_without_a_sensor(model: Model, folder: Path) -> None:
    scaled = replace(model, sensor=None, metadata={**model.metadata, "x_scale": [0.1] * 4})
    with pytest.raises(ValueError, match="scaled without samples of a sensor"):
        read(scaled, folder / "all.csv")


def test_arrays_of_another_file(tmp_path: Path) -> None:
    random = np.random.RandomState(0)
    x, y = random.normal(0, 1, (60, 5)), np.arange(60) % 2
    np.savez(tmp_path / "t.npz", x=x, y=y, x_test=x[:20], y_test=y[:20])
    words = ["--hidden", "4", "--epochs", "1", "--steps", "2", "-o", str(tmp_path / "m.npz")]
    assert main(["train", str(tmp_path / "t.npz"), *words, "--json"]) == 0
    model = Model.load(tmp_path / "m.npz")
    data, trained = read(model, tmp_path / "t.npz")
    assert trained
    assert len(data.y_test) == 20
    np.savez(tmp_path / "other.npz", x=x[:7] / 2, y=np.ones(7))
    assert read(model, tmp_path / "other.npz")[0].y_test.tolist() == [1] * 7
    np.savez(tmp_path / "wide.npz", x=x[:, :3], y=y)
    with pytest.raises(ValueError, match="found 3 features; the model takes 5"):
        read(model, tmp_path / "wide.npz")
    np.savez(tmp_path / "classes.npz", x=x, y=np.arange(60) % 3)
    with pytest.raises(ValueError, match="the class '2'"):
        read(model, tmp_path / "classes.npz")


# -------------------------------------------------------------- models of before


def _old(model: Model, **data: Any) -> Model:
    metadata = {k: v for k, v in model.metadata.items() if k != KEY}
    return replace(model, metadata=metadata | ({KEY: data} if data else {}))


def test_a_model_that_does_not_know_its_data(model: Model, folder: Path) -> None:
    """By the flags, as before, but divided by the seed of its training; all of it is said."""
    flags = {"label": "activity", "ignore": ("time",)}
    data, _ = read(_old(model), folder / "all.csv", **flags)
    assert (data.x_test == read(model, folder / "all.csv")[0].x_test).all()
    (said,) = data.warnings
    assert "does not say how its data were read; assumed" in said
    assert "'run', 'sit', 'walk' in this order, divided by seed 3" in said


def test_fewer_classes_than_outputs_cannot_be_told(model: Model, tmp_path: Path) -> None:
    path = write(tmp_path / "two.csv", rows(("sit", "walk")))
    with pytest.raises(ValueError, match="the model has 3 outputs"):
        read(_old(model), path, label="activity", ignore=("time",))


def test_what_a_stranger_wrote_is_said_and_not_used(
    model: Model, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    strange = {**model.metadata[KEY], "label": "\x1b[2J" * 999}
    _old(model, **strange).save(tmp_path / "strange.npz")
    flags = ["--label", "activity", "--ignore", "time"]
    words = ["check", tmp_path / "strange.npz", "--data", folder / "all.csv", *flags]
    _, said = told(capsys, *words)
    assert "cannot be used (label: found" in said
    assert said.replace("\n", "").isprintable()


# ---------------------------------------------------------------------- recordings


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Callable[..., Path]]:
    """A model of whole recordings, and what writes such files."""
    folder = tmp_path_factory.mktemp("recorded")

    def recording(name: str, people: Sequence[str], order: str = "ax,ay,who,what") -> Path:
        random, lines = np.random.RandomState(len(people)), [order]
        for who in people:
            for i in range(240):
                what = i // 120
                values = {
                    "ax": f"{np.sin(i / (2 + 5 * what)) + random.normal(0, 0.1):.3f}",
                    "ay": f"{random.normal(what, 0.3):.3f}",
                    "who": who,
                    "what": ("sit", "go")[what],
                }
                lines.append(",".join(values[c] for c in order.split(",")))
        (folder / name).write_text("\n".join(lines))
        return folder / name

    path = recording("rec.csv", [f"p{i}" for i in range(5)])
    words = ["--window", "24", "--hop", "12", "--group", "4", "--by", "who", "--label", "what"]
    more = ["--hidden", "4", "--epochs", "1", "--seed", "2", "--rate", "50"]
    out = str(folder / "rec.npz")
    assert main(["train", str(path), *words, *more, "-o", out, "--json"]) == 0
    return folder / "rec.npz", recording


def test_recordings_are_held_out_as_in_training(
    recorded: tuple[Path, Callable[..., Path]], capsys: pytest.CaptureFixture[str]
) -> None:
    path, _ = recorded
    model = Model.load(path)
    own = load(path.with_name("rec.csv"), 2, label="what", by="who", window=24, hop=12, group=4)
    data, trained = read(model, path.with_name("rec.csv"))
    assert trained
    assert (data.x_test == own.x_test).all()
    assert data.division is not None
    assert own.division is not None
    assert data.division.tests == own.division.tests != ()
    found, _ = told(capsys, "anytime", path, "--data", path.with_name("rec.csv"))
    assert found["accuracy_by_step"]["test"][-1] == model.metadata["accuracy"]["test"]


def test_other_recordings_test_all_of_them(recorded: tuple[Path, Callable[..., Path]]) -> None:
    """Two people are too few to divide, and need not be; columns in another order."""
    path, recording = recorded
    data, trained = read(Model.load(path), recording("new.csv", ["q1", "q2"], "what,ay,who,ax"))
    assert not trained
    assert data.x_test.shape == (4 * 9, 6, 2)
    assert len(data.y_train) == 0


def test_a_recording_needs_no_column_of_recordings(
    recorded: tuple[Path, Callable[..., Path]],
) -> None:
    path, recording = recorded
    data, _ = read(Model.load(path), recording("one.csv", ["q"], "ax,ay,what"))
    assert len(data.x_test) == 2 * 9
    assert any("'who'" in note for note in data.notes)


@pytest.mark.parametrize("flag", ["window", "hop", "group"])
def test_windows_of_another_length_are_refused(
    flag: str, recorded: tuple[Path, Callable[..., Path]]
) -> None:
    path, _ = recorded
    with pytest.raises(ValueError, match=f"{flag}: found 48; the model has"):
        read(Model.load(path), path.with_name("rec.csv"), **{flag: 48})


def test_the_rate_is_kept(recorded: tuple[Path, Callable[..., Path]]) -> None:
    origin = DataOrigin.of(Model.load(recorded[0]))
    assert origin is not None
    assert (origin.rate, origin.window, origin.hop, origin.group) == (50, 24, 12, 4)
    assert (origin.by, origin.label, origin.channels) == ("who", "what", ("ax", "ay"))


# -------------------------------------------------------------------------- Python


def test_python_reads_a_second_file_in_the_same_way(model: Model, folder: Path) -> None:
    data, trained = load_for(model, folder / "all.csv")
    again = load(folder / "all.csv", like=model)
    assert trained
    assert (again.x_test == data.x_test).all()
    assert again.class_names == model.class_names == ("run", "sit", "walk")
    with pytest.raises(ValueError, match=r"all.csv.*does not say how its data were read"):
        load(folder / "all.csv", like=_old(model))


# ------------------------------------------------------------------- what users see


def test_info_says_what_a_model_knows(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["info", str(folder / "m.npz")]) == 0
    said = capsys.readouterr().out
    assert "classes: 0 run, 1 sit, 2 walk" in said
    assert "data: all.csv; 108 train, 12 validate, 30 test; of every class a fifth" in said
    assert "drawn by seed 3" in said
    assert "channels ax, ay, az, gx; label activity; left out time; 50 samples a second" in said
    found, _ = told(capsys, "info", folder / "m.npz")
    assert found["classes"] == ["run", "sit", "walk"]


def test_words_of_a_stranger_are_printed_and_not_obeyed(
    model: Model, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["\x1b[31mrun", "s\rit", "<b>&walk\x00"]
    strange = {
        **model.metadata[KEY],
        "classes": words,
        "label": "\x1b]0;title\x07",
        "by": "\u202eby",
    }
    replace(model, metadata={**model.metadata, KEY: strange}).save(tmp_path / "s.npz")
    capsys.readouterr()
    page = tmp_path / "page.html"
    assert main(["info", str(tmp_path / "s.npz")]) == 0
    words = ["report", str(tmp_path / "s.npz"), "--board", "qemu-m4", "--html", str(page)]
    assert main(words) == 0
    out, err = capsys.readouterr()
    assert (out + err).replace("\n", "").isprintable()
    assert r"\x1b[31mrun" in out
    text = page.read_text()
    assert not set("\x1b\x00\r\x07\u202e") & set(text)
    assert r"\x1b[31mrun" in text
    assert "<b>" not in text


def test_a_report_names_the_classes(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found, _ = told(capsys, "report", folder / "m.npz", "--board", "qemu-m4")
    assert found["classes"] == ["run", "sit", "walk"]
    assert main(["report", str(folder / "m.npz"), "--board", "qemu-m4"]) == 0
    assert "classes: 0 run, 1 sit, 2 walk" in capsys.readouterr().out


def test_a_picture_names_the_classes(folder: Path, tmp_path: Path) -> None:
    words = ["plot", folder / "m.npz", "--data", folder / "all.csv", "-o", tmp_path]
    assert main([*map(str, words), "--kind", "confusion", "--format", "svg"]) == 0
    picture = (tmp_path / "all-confusion.svg").read_text()
    assert all(f"<!-- {word} -->" in picture for word in WORDS)
