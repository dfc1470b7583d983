"""The teachers of `train --teacher`: models whose own C says what they know."""

from __future__ import annotations

from argparse import Namespace

from codegen.checks.host import CompilerError, HostModel
from codegen.cli.origins import listed
from codegen.cli.output import Output
from qat.model import Model
from qat.train.teacher import Scorer, Teacher, in_numpy

FLAGS = ("-O2",)
"""Of the teachers' C, which sees every training sample in every epoch: no sanitizer watches it."""


def teacher_of(arguments: Namespace, out: Output) -> Teacher | None:
    """Return the models of --teacher, None without the option.

    Raises ValueError for a file that is no model, settings out of range or without --teacher.
    """
    given = {"part": arguments.teaching, "temperature": arguments.temperature}
    settings = {name: value for name, value in given.items() if value is not None}
    if arguments.teacher is None:
        if settings:
            raise ValueError("--teaching, --temperature: go with --teacher MODEL")
        return None
    models = [Model.load(path) for path in arguments.teacher]
    teacher = Teacher(models, **settings, run=lambda model: _scorer(model, out))
    out.say(
        f"learns from {listed([model.name for model in models])}: {teacher.part:g} of the loss, at "
        f"temperature {teacher.temperature:g}"
    )
    return teacher


def by_own_code(model: Model) -> Scorer:
    """Return a model's C as what computes its scores; CompilerError without a compiler."""
    compiled = HostModel(model, flags=FLAGS)
    return lambda x: compiled.run(x).scores  # type: ignore[return-value]  # a teacher has classes


def _scorer(model: Model, out: Output) -> Scorer:
    """Return the model's C, or NumPy where there is no compiler, which gives the same integers."""
    try:
        return by_own_code(model)
    except CompilerError:
        out.warn(f"no C compiler: {model.name} teaches by NumPy, which takes much longer")
        return in_numpy(model)
