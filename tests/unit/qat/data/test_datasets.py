import gzip
import hashlib
import subprocess
import sys
from importlib.resources import files

import numpy as np
import pytest

import qat
from qat.data.division import stratified
from qat.data.encode import integer_range, to_integers
from qat.data.named import load
from qat.data.own import from_arrays
from qat.machine import cache

RANDOM = np.random.default_rng(0)
X = RANDOM.integers(0, 200, (100, 6))
Y = np.arange(100) % 4


def parts(data):
    names = ("train", "validation", "test")
    return [(getattr(data, f"x_{p}"), getattr(data, f"y_{p}")) for p in names]


def rows(data):
    """Return every sample with its label, in an order that does not depend on the split."""
    pairs = [pair for xs, ys in parts(data) for pair in zip(xs, ys, strict=True)]
    return sorted((*x.ravel().tolist(), int(label)) for x, label in pairs)


def test_digits_are_whole_and_stratified():
    data = load("digits")
    path = files("qat.data").joinpath("digits.csv.gz")
    assert hashlib.sha256(path.read_bytes()).hexdigest().startswith("09f66e6debdee2cd")
    table = np.loadtxt(gzip.decompress(path.read_bytes()).decode().splitlines(), int, delimiter=",")
    assert rows(data) == sorted(map(tuple, table.tolist()))
    assert [len(y) for _, y in parts(data)] == [1295, 143, 359]
    assert data.input_range == (0, 16)
    assert (data.classes, data.inputs, data.x_scale) == (10, 64, 1.0)
    assert data.x_train.dtype == np.uint8
    assert "Alpaydin" in data.source
    assert data.licence == "CC BY 4.0"
    for _, y in parts(data):
        assert np.ptp(np.bincount(y, minlength=10)) <= 0.2 * len(y) / 10 + 1


def test_digits_are_divided_once_and_for_all():
    a, b = load("digits"), load("digits", seed=7)
    np.testing.assert_array_equal(a.x_test, b.x_test)
    assert hashlib.sha256(a.x_test.tobytes()).hexdigest().startswith("44761d89f8e49dae")


def save(folder, **arrays):
    np.savez(folder / "mine.npz", **arrays)
    return folder / "mine.npz"


def test_own_data_is_divided_by_class_and_seed(tmp_path):
    path = save(tmp_path, x=X, y=Y)
    data, again, other = load(path), load(str(path)), load(path, seed=1)
    assert rows(data) == sorted((*x.tolist(), int(label)) for x, label in zip(X, Y, strict=True))
    assert [np.bincount(y).tolist() for _, y in parts(data)] == [[18] * 4, [2] * 4, [5] * 4]
    np.testing.assert_array_equal(data.x_test, again.x_test)
    assert (data.x_test != other.x_test).any()
    assert (data.name, data.input_range, data.classes) == ("mine", (0, 255), 4)


def test_own_test_data_stays_apart(tmp_path):
    data = load(save(tmp_path, x=X, y=Y, x_test=X[:7] % 50, y_test=Y[:7]))
    np.testing.assert_array_equal(data.x_test, X[:7] % 50)
    np.testing.assert_array_equal(data.y_test, Y[:7])
    assert len(data.y_train) + len(data.y_validation) == 100


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([0, 1, 7], (1.0, 0, 7)),
        ([0, 1], (1.0, 0, 1)),
        ([0, 16], (1.0, 0, 31)),
        ([0, 255.0], (1.0, 0, 255)),
        ([-3, 4], (1.0, -8, 7)),
        ([-128, 127], (1.0, -128, 127)),
        ([0, 0.5], (0.5 / 255, 0, 255)),
        ([0, 4095], (4095 / 255, 0, 255)),
        ([-2.0, 1.5], (2.0 / 127, -127, 127)),
    ],
)
def test_bytes_stay_and_other_numbers_are_scaled(values, expected):
    x = np.resize(np.array(values, float), (40, 5))
    data = from_arrays(x, np.arange(40) % 2)
    assert (data.x_scale, *data.input_range) == expected
    assert data.x_train.min() >= expected[1]
    assert data.x_train.max() <= expected[2]
    back = np.unique(data.x_train) * data.x_scale
    np.testing.assert_allclose(back, np.unique(values), atol=data.x_scale / 2)


def test_a_vector_per_step_is_kept():
    data = from_arrays(RANDOM.normal(size=(50, 9, 3)), np.arange(50) % 2)
    assert data.x_train.shape[1:] == (9, 3)
    assert data.inputs == 3


def test_fewer_input_bits_keep_the_upper_ones():
    data = from_arrays(X, Y)
    four = data.with_input_bits(4)
    np.testing.assert_array_equal(four.x_test, data.x_test >> 4)
    assert (four.input_range, four.x_scale) == ((0, 15), 16.0)
    assert data.with_input_bits(8) is not data
    np.testing.assert_array_equal(data.with_input_bits(8).x_test, data.x_test)
    assert load("digits").with_input_bits(4).input_range == (0, 8)
    signed = from_arrays(X - 100, Y)
    assert signed.with_input_bits(3).input_range == (-4, 3)
    np.testing.assert_array_equal(signed.with_input_bits(3).x_test, signed.x_test >> 5)
    with pytest.raises(ValueError, match="input bits: found 1"):
        signed.with_input_bits(1)


WITH_NAN = np.where(np.arange(600).reshape(100, 6) == 5, np.nan, 1.0)


@pytest.mark.parametrize(
    ("arrays", "said"),
    [
        ({"x": X}, "has no y"),
        ({"y": Y}, "has no x"),
        ({"a": X}, "has no x and no y"),
        ({"x": WITH_NAN, "y": Y}, "x: holds NaN"),
        ({"x": X[:, 0], "y": Y}, "x: found shape"),
        ({"x": X[:0], "y": Y[:0]}, "x: found shape"),
        ({"x": X.astype("U"), "y": Y}, "x: found dtype"),
        ({"x": X, "y": Y[:-1]}, "y: found 99 labels for 100 samples"),
        ({"x": X, "y": Y - 1}, "y: holds -1"),
        ({"x": X, "y": Y + 0.5}, "y: holds fractions"),
        ({"x": X, "y": np.where(Y == 1, np.nan, Y)}, "y: holds NaN"),
        ({"x": X, "y": Y[:, None]}, "y: found shape"),
        ({"x": X, "y": Y * 1j}, "y: found dtype"),
        ({"x": X, "y": Y, "x_test": X}, "give both or none"),
        ({"x": X, "y": Y, "x_test": X[:, :5], "y_test": Y}, "x_test: found samples of shape"),
        ({"x": X, "y": Y, "x_test": X, "y_test": Y[:3]}, "y_test: found 3 labels"),
        ({"x": X[:3], "y": Y[:3]}, "too few to divide"),
        ({"x": X, "y": Y * 0}, "every sample has the label 0; needs at least two classes"),
        ({"x": X, "y": Y * 2}, "holds the label 6, but no sample of class 1"),
        ({"x": X, "y": Y + 10**9}, "fewer samples than classes"),
        ({"x": X[:9], "y": np.arange(9), "x_test": X, "y_test": Y}, "too few to divide"),
        ({"x": X, "y": Y, "x_test": X, "y_test": Y + 1}, "y_test: holds 4; y has the classes 0 to"),
        ({"x": X * 0 + 7, "y": Y}, "every feature is constant"),
        ({"x": np.array([{}, {}]), "y": Y[:2]}, "not an .npz file of plain arrays"),
    ],
)
def test_bad_files_get_one_line(arrays, said, tmp_path):
    path = tmp_path / "mine.npz"
    np.savez(path, **arrays)
    with pytest.raises(ValueError, match=said) as caught:
        load(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 broken", b"\x93NUMPY nonsense"])
def test_damaged_files_get_one_line(content, tmp_path):
    (tmp_path / "bad.npz").write_bytes(content)
    with pytest.raises(ValueError, match=r"bad.npz: is not an .npz file") as caught:
        load(tmp_path / "bad.npz")
    assert "\n" not in str(caught.value)


def test_files_that_are_not_there(tmp_path):
    with pytest.raises(ValueError, match="cannot be read"):
        load(tmp_path / "none.npz")
    with pytest.raises(ValueError, match=r"'digitz': is not known; use digits, mnist"):
        load("digitz")


def test_every_class_gives_something_to_every_part():
    y = np.array([0] * 100 + [1, 1])
    assert np.bincount(y[stratified(y, 0.1, 0)]).tolist() == [10, 1]


# ------------------------------------------------------------------ encoders


def test_integers_of_real_values():
    x = np.array([-9.0, -0.26, 0.24, 0.75, 9.0])
    np.testing.assert_array_equal(to_integers(x, 0.5, -4, 3), [-4, -1, 0, 2, 3])
    assert to_integers(x, 0.5, -4, 3).dtype == np.int8
    assert to_integers(x, 0.5, 0, 255).dtype == np.uint8
    with pytest.raises(ValueError, match="NaN"):
        to_integers([np.nan], 1.0, 0, 1)
    assert integer_range(4, True) == (-8, 7)
    assert integer_range(8, False) == (0, 255)
    with pytest.raises(ValueError, match="input bits: found 9"):
        integer_range(9, True)


# --------------------------------------------------------------- the cache


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"SPIKEMCU_CACHE": "/a/b"}, "/a/b"),
        ({"XDG_CACHE_HOME": "/c"}, "/c/spikemcu"),
        ({"HOME": "/home/me"}, "/home/me/.cache/spikemcu"),
    ],
)
def test_the_cache_folder(variables, expected, monkeypatch):
    for name in ("SPIKEMCU_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert str(cache.user_cache()) == expected


# ------------------------------------------------------------------- imports


def test_the_model_alone_imports_nothing_of_the_trainer():
    program = "import sys, qat.model; print(*sorted(m for m in sys.modules if m.startswith('qat')))"
    out = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert {m.split(".")[1] for m in out.stdout.split() if "." in m} == {"machine", "model"}


def test_every_public_name_is_there():
    for name in qat.__all__:
        assert getattr(qat, name) is not None
    assert set(qat.__all__) <= set(dir(qat))


@pytest.mark.parametrize("name", ["shd", "N-MNIST", "nmnist", "cifar10", "UCI-HAR"])
def test_what_is_not_fetched_is_said_with_where_to_get_it(name: str) -> None:
    with pytest.raises(ValueError, match="is not fetched; take your own copy from https://"):
        load(name)
