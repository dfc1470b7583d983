"""Early stops: the public name of qat.study.anytime."""

from __future__ import annotations

from qat.study.anytime import Stopped, accuracy_by_step, choose_stop, stopped, with_stop

__all__ = [
    "Stopped",
    "accuracy_by_step",
    "choose_stop",
    "stopped",
    "with_stop",
]
