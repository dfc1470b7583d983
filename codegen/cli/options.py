"""Types of arguments, and the arguments that several verbs have."""

from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError
from typing import Any

from qat.data.reading import ENCODINGS, SEPARATORS

WEIGHT_BITS = (2, 4, 8, 16)
MOST_DIGITS = 18
LARGEST_SEED = 2**32 - 2
"""What NumPy takes; the next one is used as well."""

# ------------------------------------------------------------ argument types


def one_of(*allowed: Any) -> dict[str, Any]:
    """Return what makes an argument one of these values: its type, and how help shows it."""
    *first, last = (str(value) for value in allowed)

    def parse(text: str) -> Any:
        for value in allowed:
            if text == str(value):
                return value
        found = text if text.isalnum() else repr(text)
        raise ArgumentTypeError(f"found {found}; must be {', '.join(first)} or {last}")

    return {"type": parse, "metavar": f"{{{','.join([*first, last])}}}"}


def number(text: str) -> float:
    """Parse a number."""
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not abs(value) < float("inf"):
        raise ArgumentTypeError(f"found {text!r}; must be a number")
    return value


def seed(text: str) -> int:
    """Parse a seed."""
    if not _digits(text) or int(text) > LARGEST_SEED:
        raise ArgumentTypeError(f"found {text!r}; must be a whole number from 0 to {LARGEST_SEED}")
    return int(text)


def _digits(text: str) -> bool:
    """Return True for a whole number of at least 0, in ten digits and of a sensible length."""
    return text.isascii() and text.isdigit() and len(text) <= MOST_DIGITS


def whole_numbers(text: str) -> list[int]:
    """Parse `128,64`."""
    try:
        return [int(part) for part in text.split(",") if part]
    except ValueError:
        raise ArgumentTypeError(f"found {text!r}; must be whole numbers like 128,64") from None


def densities(text: str) -> list[float]:
    """Parse `0.01,0.1,0.5`."""
    try:
        values = [float(part) for part in text.split(",")]
    except ValueError:
        raise ArgumentTypeError(f"found {text!r}; must be numbers like 0.01,0.1,0.5") from None
    if not all(0 <= value <= 1 for value in values):
        raise ArgumentTypeError(f"found {text!r}; each must lie in 0 to 1")
    return values


def density(text: str) -> float:
    """Parse a density."""
    return densities(text)[0]


def fraction(text: str) -> float:
    """Parse `0.42`."""
    (value, *more) = densities(text)
    if more or value == 1:
        raise ArgumentTypeError(f"found {text!r}; must be one number from 0 to below 1")
    return value


def layer_shape(text: str) -> tuple[int, int]:
    """Parse `784x128`."""
    parts = text.split("x")
    if len(parts) != 2 or not all(_digits(part) and int(part) for part in parts):
        raise ArgumentTypeError(f"found {text!r}; must be INPUTSxNEURONS like 784x128")
    return int(parts[0]), int(parts[1])


def positive(text: str) -> int:
    """Parse a whole number of at least 1."""
    if not _digits(text) or not int(text):
        raise ArgumentTypeError(f"found {text!r}; must be a whole number of at least 1")
    return int(text)


def whole_number(text: str) -> int:
    """Return a whole number of at least 0."""
    if not _digits(text):
        raise ArgumentTypeError(f"found {text!r}; must be a whole number of at least 0")
    return int(text)


def numbers(text: str) -> tuple[float, ...]:
    """Parse `0.001` or `0.001,0.01`, all above 0."""
    try:
        values = tuple(float(part) for part in text.split(","))
    except ValueError:
        values = ()
    if not values or not all(0 < value < float("inf") for value in values):
        raise ArgumentTypeError(f"found {text!r}; must be numbers above 0 like 0.001,0.01")
    return values


def positive_number(text: str) -> float:
    """Parse `62.5`."""
    found = numbers(text)
    if len(found) != 1:
        raise ArgumentTypeError(f"found {text!r}; must be one number above 0 like 62.5")
    return found[0]


def names(text: str) -> tuple[str, ...]:
    """Parse `time,battery`; nothing at all names the column without a name."""
    return tuple(part for part in text.split(",") if part) or ("",)


def separator(text: str) -> str:
    """Parse `semicolon` or `;`."""
    return _sign(text, {name: sign for sign, name in SEPARATORS.items()})


def decimal(text: str) -> str:
    """Parse `comma` or `,`."""
    return _sign(text, {"point": ".", "comma": ","})


def _sign(text: str, known: dict[str, str]) -> str:
    """Return a sign by its name or itself."""
    if text in known.values():
        return text
    if text in known:
        return known[text]
    raise ArgumentTypeError(f"found {text!r}; must be one of {', '.join(known)}")


# ----------------------------------------------------------------- arguments


def model_file(parser: ArgumentParser) -> None:
    """Add the model file."""
    parser.add_argument(
        "model", metavar="MODEL", help="a model file, as `spikemcu train` writes it"
    )


def file_options(parser: ArgumentParser) -> None:
    """Add what a file of data needs to be read; qat.data.reading.Reading has the same names."""
    group = parser.add_argument_group(
        "a file of your own",
        "a verb with a MODEL reads it as the data that trained that; say only what is otherwise",
    )
    group.add_argument(
        "--label",
        metavar="COLUMN",
        help="label column of a table: its name, its number from 1, first or last (default: label, "
        "class, activity or target, else y, else the last)",
    )
    group.add_argument(
        "--window",
        type=positive,
        metavar="N",
        help="the lines are samples of a sensor in the order of time: classify windows of N",
    )
    group.add_argument(
        "--hop", type=positive, metavar="N", help="samples from one window to the next (default: N)"
    )
    group.add_argument(
        "--group", type=positive, metavar="N", help="samples of a time step, its mean (default: 1)"
    )
    group.add_argument(
        "--by",
        metavar="COLUMN",
        help="column that names recordings or subjects: whole ones are kept for the test",
    )
    group.add_argument(
        "--ignore",
        type=names,
        default=(),
        metavar="C,C",
        help='columns to leave out, by name or number from 1; "" is the one without a name',
    )
    group.add_argument(
        "--separator",
        type=separator,
        metavar="S",
        help="between the cells of a .csv: comma, semicolon, tab or bar (default: found)",
    )
    group.add_argument(
        "--decimal",
        type=decimal,
        metavar="S",
        help="decimal sign of a .csv: point or comma (default: found)",
    )
    group.add_argument("--encoding", choices=ENCODINGS, help="of a .csv (default: found)")
    group.add_argument(
        "--unit",
        type=numbers,
        metavar="U",
        help="what 1 in a sample of the device stands for, or one for each channel (default: 1 "
        "for whole numbers that fit 16 bits, else a power of ten)",
    )


def data_option(parser: ArgumentParser) -> None:
    """Add the data that inputs come from."""
    parser.add_argument(
        "--data",
        metavar="NAME|FILE",
        help="inputs: a data set's test part (a name of `spikemcu data`), or a file of yours, read "
        "as the one that trained the model: of that file the test part, of another one all of it. "
        "By default those that the model was trained on if they are here, else made ones",
    )


def judged_data(parser: ArgumentParser, which: str) -> None:
    """Add data that a model is to answer; which: of them."""
    parser.add_argument(
        "--data",
        metavar="NAME|FILE",
        help=f"a name of `spikemcu data`, or a file of yours, {which} (default: what trained the "
        "model, if it is a named set and here)",
    )
    parser.add_argument("--limit", type=positive, metavar="N", help="use the first N samples only")
    file_options(parser)


def data_options(parser: ArgumentParser) -> None:
    """Add where inputs come from."""
    data_option(parser)
    parser.add_argument("--limit", type=positive, metavar="N", help="use the first N samples only")
    file_options(parser)


def board_option(parser: ArgumentParser, required: bool = True) -> None:
    """Add the board."""
    parser.add_argument(
        "--board",
        metavar="B|all",
        required=required,
        help="a name of `spikemcu boards`, or all: one for each core",
    )


def density_option(parser: ArgumentParser) -> None:
    """Add a density to assume."""
    parser.add_argument(
        "--assume-density",
        type=density,
        metavar="D",
        help="spikes per neuron and step, instead of those that the model file tells",
    )


def port_option(parser: ArgumentParser) -> None:
    """Add the serial port."""
    parser.add_argument(
        "--port",
        metavar="P",
        help="serial port of a board of hardware, such as /dev/ttyACM0 (default: look for it)",
    )
