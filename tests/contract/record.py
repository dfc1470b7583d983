"""Write down what a user has today: `python tests/contract/record.py`.

The tests beside this compare: what is recorded must stay, what is new may come. Run it to record
an addition; where it would change or remove what is recorded, that is a break of the contract,
which needs a reason. Model files, the folder of generated C and the run folder are those of the
day on which they were made: they are written only where they are missing.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from support import contract  # noqa: E402  # found by the line above

import codegen  # noqa: E402
import codegen.cli as command  # noqa: E402
import codegen.cli.train as verb  # noqa: E402
import qat  # noqa: E402


def main() -> None:
    """Record everything."""
    with tempfile.TemporaryDirectory() as folder:
        results = contract.run_all(Path(folder))
    _write("verbs.json", contract.verbs())
    _write("names.json", contract.names())
    _write("parameters.json", contract.parameters())
    found = {what: sorted(contract.keys(one)) for what, one in results.items()}
    _write("keys.json", json.loads(contract.RECORDED.read_text()) | found)
    _models()
    _code()
    _run()
    _examples()


def _write(name: str, values: Any) -> None:
    (HERE / name).write_text(json.dumps(values, indent=1) + "\n")


def _models() -> None:
    """Save the models that are not there yet, and what all of them give."""
    folder, found = HERE / "models", {}
    folder.mkdir(exist_ok=True)
    for model in contract.models():
        path = folder / f"{model.name}.npz"
        if not path.exists():
            model.save(path)
        found[path.name] = contract.results(qat.Model.load(path))
    text = ",\n".join(f" {json.dumps(name)}: {json.dumps(one)}" for name, one in found.items())
    (folder / "results.json").write_text(f"{{\n{text}\n}}\n")


def _code() -> None:
    """Generate the folder that `check --code` reads."""
    if not (HERE / "code").exists():
        codegen.generate(qat.Model.load(HERE / "models" / "held.npz"), HERE / "code")


def _run() -> None:
    """Train for two of four epochs and stop; note where the whole run ends."""
    if (HERE / "run").exists():
        return
    with tempfile.TemporaryDirectory() as folder:
        whole, model = Path(folder, "run"), Path(folder, "whole.npz")
        command.main(contract.RUN_LINE.format(folder=whole, model=model).split())
        losses = [epoch["loss"] for epoch in json.loads((whole / "history.json").read_text())]
        _write("run.json", {"digest": qat.Model.load(model).digest(), "losses": losses})
        verb.show_progress = lambda *_: _stop
        line = contract.RUN_LINE.format(folder=HERE / "run", model=Path(folder, "part.npz"))
        command.main(line.split())


def _stop(epoch: qat.Epoch) -> None:
    if epoch.number == 2:
        raise KeyboardInterrupt


def _examples() -> None:
    """Note the digests of the trained models in tests/examples."""
    paths = sorted((HERE.parent / "examples").glob("*.npz"))
    _write("examples.json", {path.name: qat.Model.load(path).digest() for path in paths})


if __name__ == "__main__":
    main()
