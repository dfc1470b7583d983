"""Trained networks of other frameworks of torch, by way of their NIR graph.

The framework writes the graph and runs the network. `qat.nir.load` reads it as that framework runs
it, must reproduce every output, and makes the integer model.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from types import MappingProxyType
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from qat.nir.finetune import network_of
from qat.nir.imported import Imported, load
from qat.torch.convert import from_network
from qat.torch.sequential import Sequential

Written = Callable[[nn.Module, Tensor, Path], Tensor]
"""Writes a network's graph and returns its output, (time, batch, ...)."""


def from_module(module: nn.Module, x: Tensor, **options: Any) -> Imported:
    """Return the integer model of a trained network of snnTorch, norse or SpikingJelly.

    module:  as the framework's exporter takes it: a Sequential (SequentialState of norse) whose
             last layer is the output. Its state is reset.
    x:       inputs, (time, batch, ...) as the framework takes them: spikes or whole numbers; the
             output on them is what the model's reading of the graph must reproduce
    options: of qat.nir.load, such as bits, reset, gain, score, name

    `.model` of the result is the Model, `.drift` how many spikes rounding changed. The packages
    nir and h5py are needed beside the framework.

    Raises ValueError where the modules are of no framework or of several, and what qat.nir.load
    refuses.
    """
    framework = framework_of(module)
    mode = module.training
    with TemporaryDirectory() as folder, torch.no_grad():
        path, reference = Path(folder, "net.nir"), Path(folder, "reference.npz")
        module.eval()
        try:
            output = FRAMEWORKS[framework](module, x, path)
        finally:
            module.train(mode)
        np.savez(reference, x=x.detach().cpu().numpy(), output=output.detach().cpu().numpy())
        settings = {"dialect": framework, "name": "net", **options}
        return load(path, reference=reference, **settings)


def from_import(made: Imported) -> Sequential:
    """Return a network to train on, with the weights of what was imported.

    Its scales and thresholds are those of training, so that its integers differ from those of
    `made.model` before a first update.

    Raises ValueError for a network that qat.Network does not have; chains of dense layers with one
    kind of neuron, leak and reset it has.
    """
    return from_network(network_of(made))


def framework_of(module: nn.Module) -> str:
    """Return the framework of a network, by the packages of its modules' classes."""
    packages = {type(part).__module__.partition(".")[0] for part in module.modules()}
    found = sorted(packages & set(FRAMEWORKS))
    if len(found) != 1:
        raise ValueError(
            f"from_module: found neurons of {' and '.join(found) or 'no known framework'}; takes "
            f"networks of one of {', '.join(FRAMEWORKS)}"
        )
    return found[0]


def _first(found: Any) -> Tensor:
    """Return the spikes of what a module returns: some return membranes beside them."""
    return found[0] if isinstance(found, tuple) else found


def _snntorch(net: nn.Module, x: Tensor, path: Path) -> Tensor:
    reset = import_module("snntorch.utils").reset
    reset(net)
    output = torch.stack([_first(net(step)) for step in x])
    reset(net)
    graph = import_module("snntorch.export_nir").export_to_nir(net, x[0, :1], ignore_dims=[0])
    import_module("nir").write(str(path), graph)
    return output


def _norse(net: nn.Module, x: Tensor, path: Path) -> Tensor:
    output, state = [], None
    for step in x:
        spikes, state = net(step, state)
        output.append(_first(spikes))
    sample = x[0, 0] if x.ndim == 5 else x[0, :1]  # maps with a batch cannot be written
    graph = import_module("norse.torch.utils.export_nir").to_nir(net, sample)
    import_module("nir").write(str(path), graph, compression=None)
    return torch.stack(output)


def _spikingjelly(net: nn.Module, x: Tensor, path: Path) -> Tensor:
    home = "spikingjelly.activation_based"
    reset, exchange = import_module(f"{home}.functional").reset_net, f"{home}.nir_exchange"
    reset(net)
    output = torch.stack([_first(net(step)) for step in x])
    reset(net)
    import_module(exchange).export_to_nir(net, x[0, :1], save_path=str(path))
    return output


FRAMEWORKS: Mapping[str, Written] = MappingProxyType(
    {"snntorch": _snntorch, "norse": _norse, "spikingjelly": _spikingjelly}
)
"""Frameworks by the name of their package, which is that of their dialect."""
