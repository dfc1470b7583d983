"""Data sets that are read from a copy of one's own, and where to get one."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

ELSEWHERE: Mapping[str, str] = MappingProxyType(
    {
        "bearings": "https://engineering.case.edu/bearingdatacenter, a folder of its .mat files",
        "cifar-10": "https://www.cs.toronto.edu/~kriz/cifar.html, the binary version",
        "mit-bih": "https://physionet.org/content/mitdb, a folder of .hea, .dat and .atr",
        "n-mnist": "https://www.garrickorchard.com/datasets/n-mnist, the folder of Train and Test",
        "shd": "https://zenkelab.org/datasets, shd_train.h5 and shd_test.h5 unpacked",
        "ssc": "https://zenkelab.org/datasets, ssc_train.h5, ssc_valid.h5 and ssc_test.h5 unpacked",
        "uci-har": "https://doi.org/10.24432/C54S4K, the folder UCI HAR Dataset",
        "wand": "https://github.com/petewarden/magic_wand_digit_data, its folder",
    }
)
"""By name: a page, and what of it is given as DATASET."""

OTHER_NAMES = {"nmnist": "n-mnist", "cifar10": "cifar-10", "mitbih": "mit-bih", "cwru": "bearings",
               "har": "uci-har", "mitdb": "mit-bih"}  # fmt: skip


def where(name: str) -> str | None:
    """Return a line that says where a data set of this name comes from, None for an unknown one."""
    plain = name.lower().replace("_", "-")
    known = OTHER_NAMES.get(plain.replace("-", ""), plain)
    if known not in ELSEWHERE:
        return None
    return f"is not fetched; take your own copy from {ELSEWHERE[known]}, and give its path"
