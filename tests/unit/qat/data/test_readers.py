"""Data files of one's own: CSV and IDX, and what is wrong with them."""

import gzip

import numpy as np
import pytest

from qat.data.formats.idx import IDX_TYPES, idx
from qat.data.named import load

RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(40, 3)) * [1, 100, 0.01] + [0, 1000, 0]
X[:, 0] = RANDOM.permutation(np.linspace(-1, 1, 40))  # far enough apart to stay in order
Y = np.arange(40) % 2


def csv_file(folder, header=None, label=3, labels=Y, x=X):
    rows = [list(map(repr, map(float, row))) for row in x]
    for row, name in zip(rows, labels, strict=True):
        row.insert(label, str(name))
    lines = [",".join(row) for row in rows]
    (folder / "sensors.csv").write_text("\n".join([*([header] if header else []), *lines]) + "\n")
    return folder / "sensors.csv"


def real(data):
    """Return every sample as real numbers, sorted, each with its label."""
    parts = [(data.x_train, data.y_train), (data.x_validation, data.y_validation)]
    parts += [(data.x_test, data.y_test)]
    x = np.concatenate([x * np.array(data.x_scale) + np.array(data.x_offset) for x, _ in parts])
    y = np.concatenate([y for _, y in parts])
    order = np.argsort(x[:, 0], kind="stable")
    return x[order], y[order]


@pytest.mark.parametrize(
    ("header", "label", "asked"),
    [
        (None, 3, None),
        (None, 0, "first"),
        (None, 3, "last"),
        ("a,b,c,label", 3, None),
        ("Class,a,b,c", 0, None),
        ("a,kind,b,c", 1, "kind"),
        ("kind,a,b,c", 0, "first"),
    ],
)
def test_the_label_column(header, label, asked, tmp_path):
    x, y = real(load(csv_file(tmp_path, header, label), label=asked))
    order = np.argsort(X[:, 0])
    np.testing.assert_array_equal(y, Y[order])
    size = X.std(axis=0)
    near = (np.abs(X - X.mean(axis=0)) < 2.5 * size).all(axis=1)[order]
    np.testing.assert_allclose((x / size)[near], (X[order] / size)[near], atol=0.03)


def test_labels_may_be_words(tmp_path):
    words = np.array(["walk", "run"])[Y]
    data = load(csv_file(tmp_path, "a,b,c,activity", labels=words))
    assert data.class_names == ("run", "walk")
    assert data.classes == 2
    _, y = real(data)
    np.testing.assert_array_equal(y, 1 - Y[np.argsort(X[:, 0])])


def test_whole_numbers_of_a_byte_stay(tmp_path):
    data = load(csv_file(tmp_path, x=RANDOM.integers(0, 200, (40, 3))))
    assert (data.x_scale, data.x_offset, data.input_range) == (1.0, 0.0, (0, 255))


LINES = [f"{i}.5,{i % 7},{i % 2}" for i in range(20)]


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ([], "is empty"),
        ([*LINES, "1,2"], "line 21 has 2 cells, line 1 has 3"),
        ([*LINES, "1,,1"], "line 21: column 2 is missing"),
        (["a,b,label", *LINES, "1,,1"], "line 22: feature b is missing"),
        ([*LINES, "1,x,1"], "line 21: column 2 is 'x', not a number"),
        ([*LINES, "1,nan,1"], "line 21: column 2 is missing: 'nan'"),
        ([*LINES, "1,1,0.5"], "y: holds fractions"),
        ([f"{i}.5,3,{i % 2}" for i in range(20)], "feature 1 is 3 in every sample"),
        ([f"{i}.5,{i},0" for i in range(20)], "needs at least two classes"),
        (["1.5,2,run", "2.5,3,"], "a label is missing"),
    ],
)
def test_bad_tables_get_one_line(lines, said, tmp_path):
    path = tmp_path / "bad.csv"
    path.write_text("\n".join(lines))
    with pytest.raises(ValueError, match=said) as caught:
        load(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


def test_an_unknown_label_column_is_named(tmp_path):
    with pytest.raises(ValueError, match="no label column 'kind'; it has the columns a, b, c, y"):
        load(csv_file(tmp_path, "a,b,c,y"), label="kind")
    with pytest.raises(
        ValueError, match="it has no header: use first, last or a number from 1 to 4"
    ):
        load(csv_file(tmp_path), label="kind")


# ------------------------------------------------------------------------ IDX


def idx_bytes(values, code=8):
    sizes = b"".join(n.to_bytes(4, "big") for n in values.shape)
    return bytes([0, 0, code, values.ndim]) + sizes + values.tobytes()


def images_file(folder, ending="", labels=True, test=False):
    pack = gzip.compress if ending else bytes
    images = RANDOM.integers(0, 256, (40, 5, 4), np.uint8)
    for part in ("train", "t10k") if test else ("train",):
        (folder / f"{part}-images-idx3-ubyte{ending}").write_bytes(pack(idx_bytes(images)))
        if labels:
            file = folder / f"{part}-labels-idx1-ubyte{ending}"
            file.write_bytes(pack(idx_bytes(Y.astype(np.uint8))))
    return folder / f"train-images-idx3-ubyte{ending}", images


@pytest.mark.parametrize("ending", ["", ".gz"])
@pytest.mark.parametrize("test", [False, True])
def test_idx_files_load(ending, test, tmp_path):
    path, images = images_file(tmp_path, ending, test=test)
    data = load(path)
    assert data.inputs == 20
    assert len(data.y_test) == (40 if test else 8)
    if test:
        np.testing.assert_array_equal(data.x_test, images.reshape(40, -1))


def test_idx_without_labels_says_so(tmp_path):
    path, _ = images_file(tmp_path, labels=False)
    with pytest.raises(ValueError, match="its labels, train-labels-idx1-ubyte, are not beside it"):
        load(path)
    with pytest.raises(ValueError, match="cannot be read"):
        load(tmp_path / "none" / "train-images-idx3-ubyte")
    path, _ = images_file(tmp_path)
    with pytest.raises(ValueError, match="is given by its images file"):
        load(tmp_path / "train-labels-idx1-ubyte")


@pytest.mark.parametrize("code", sorted(IDX_TYPES))
def test_idx_types(code):
    dtype = np.dtype(IDX_TYPES[code])
    values = np.arange(6).reshape(2, 3).astype(dtype)
    got = idx(idx_bytes(values, code))
    np.testing.assert_array_equal(got, values)
    assert got.dtype.isnative


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is not an IDX file"),
        (b"\0\0\x07\x01" + bytes(4), "is not an IDX file"),
        (idx_bytes(np.zeros((2, 2), np.uint8))[:-1], "damaged IDX file"),
        (idx_bytes(np.zeros((2, 2), np.uint8)) + b"x", "damaged IDX file"),
        (gzip.compress(idx_bytes(np.zeros((9, 9), np.uint8)), mtime=0)[:-9], "not a whole .gz"),
    ],
)
def test_damaged_idx_files(content, said):
    with pytest.raises(ValueError, match=said):
        idx(content)
