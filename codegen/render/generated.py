"""One value for a model, the program planned for it and its C: made once, handed on by everyone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType

from codegen.plan.choose import plan
from codegen.plan.program import Program
from codegen.render import render_program
from qat.model import Activity, Model


@dataclass(frozen=True, eq=False)
class Generated:
    """A model, the program planned for it, and the files rendered of that.

    program: what was planned; it holds the model
    given:   the activity that kernels were chosen for; None for what the model's metadata say
    """

    program: Program
    given: Activity | None = None

    @property
    def model(self) -> Model:
        """The model that the program computes."""
        return self.program.model

    @cached_property
    def activity(self) -> Activity:
        """How active the model is taken to be."""
        return Activity.of(self.model) if self.given is None else self.given

    @cached_property
    def files(self) -> Mapping[str, str]:
        """{file name: text} of `<name>.h`, `<name>.c` and `binding.h`, rendered when first asked.

        Who only counts bytes or instructions needs no text.
        """
        return MappingProxyType(render_program(self.program))

    @property
    def pair(self) -> dict[str, str]:
        """The two files that a firmware needs; `binding.h` is for our own firmware and checks."""
        return {name: text for name, text in self.files.items() if name != "binding.h"}


def generated(
    model: Model | Generated,
    core: str | None = None,
    activity: Activity | None = None,
    kernels: Mapping[int, str] | None = None,
    only: str | None = None,
) -> Generated:
    """Return a model with its program and files; what was made already is handed on as it is.

    core, activity, kernels, only: what is planned for; see codegen.plan.choose.plan

    Raises ValueError if no kernel serves a layer, or if a Generated is to be planned for another
    core, activity or kernels than it was.
    """
    if not isinstance(model, Generated):
        return Generated(plan(model, core, activity, kernels, only), activity)
    if (core, activity, kernels, only) != (None,) * 4:
        raise ValueError(
            f"{model.model.name}: is generated already; core, activity and kernels go with a Model"
        )
    return model


def model_of(given: Model | Generated) -> Model:
    """Return the model of either, without planning anything."""
    return given.model if isinstance(given, Generated) else given
