# ruff: noqa: PLC0415  # each framework is imported where it is used
"""Networks of seven frameworks, each as its exporter writes it, with what the framework computed.

    python frameworks.py FOLDER [NAME ...]

writes NAME.nir and NAME.npz (x, output, spikes/<node>), for every network below or those that are
named. It runs where the frameworks are installed, not in the project's environment (see
ENVIRONMENT); all weights are drawn from a seed and lie on a grid, so that no sum of products is
rounded and the order of summation cannot matter.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

ENVIRONMENT = ("torch==2.13.0", "numpy", "h5py", "scipy", "tqdm", "loguru", "matplotlib",
               "packaging", "pbr", "nir==1.0.8", "snntorch==1.0.0", "spyx==1.0.0")  # fmt: skip
"""What is installed to make the files, and what it needs."""

ALONE = ("nirtorch==2.6", "norse==1.1.0", "spikingjelly==2.0.0", "sinabs==3.1.3", "rockpool==3.1.0")
"""What is installed without what it asks for: an older nir, or chips and videos."""

STEPS, BATCH = 16, 4

Made = tuple[Any, np.ndarray, dict[str, np.ndarray]]
"""The NIR graph; x; signals by node, the last node's as "output"."""

MAKERS: dict[str, Callable[[], Made]] = {}


def network(make: Callable[[], Made]) -> Callable[[], Made]:
    """Enter a maker, under the name of its function."""
    MAKERS[make.__name__] = make
    return make


def spikes(*shape: int, rate: float = 0.3, seed: int = 0) -> np.ndarray:
    """Return spikes of inputs, (steps, batch, *shape) float32."""
    rng = np.random.default_rng(seed)
    return (rng.random((STEPS, BATCH, *shape)) < rate).astype(np.float32)


def grid(shape: tuple[int, ...], fan: int, seed: int, gain: float = 1.0) -> np.ndarray:
    """Return weights that are whole numbers of 1/64, of 8 bits."""
    rng = np.random.default_rng(seed)
    codes = np.rint(64 * gain * rng.standard_normal(shape) * np.sqrt(2 / fan) + 2)
    return (np.clip(codes, -127, 127) / 64).astype(np.float32)


def set_weights(net: Any, gain: float = 1.0) -> None:
    """Give the linear and convolutional modules of a torch network weights on the grid."""
    import torch

    for seed, module in enumerate(net.modules(), 1):
        weight = getattr(module, "weight", None)
        if weight is None or not isinstance(weight, torch.Tensor) or weight.ndim < 2:
            continue
        fan = int(np.prod(weight.shape[1:]))
        weight.data = torch.tensor(grid(tuple(weight.shape), fan, seed, gain))
        if getattr(module, "bias", None) is not None:
            bias = grid(tuple(module.bias.shape), 200, 100 + seed)
            module.bias.data = torch.tensor(bias)


# ----------------------------------------------------------------- snnTorch


def _snntorch(make: Callable[[Any, Any], list[Any]], *shape: int, gain: float = 1.0) -> Made:
    import snntorch
    import torch
    from snntorch import utils
    from snntorch.export_nir import export_to_nir

    torch.manual_seed(0)
    net = torch.nn.Sequential(*make(torch.nn, snntorch))
    set_weights(net, gain)
    x = spikes(*shape)
    recorded: dict[str, list[np.ndarray]] = {}
    for name, module in net.named_children():
        if isinstance(module, snntorch.SpikingNeuron):
            recorded[name] = []
            module.register_forward_hook(
                lambda _m, _i, out, name=name: recorded[name].append(
                    (out[0] if isinstance(out, tuple) else out).detach().numpy().copy()
                )
            )
    utils.reset(net)
    for t in range(STEPS):
        net(torch.tensor(x[t]))
    signals = {name: np.stack(found) for name, found in recorded.items()}
    utils.reset(net)
    graph = export_to_nir(net, torch.tensor(x[0, :1]), ignore_dims=[0])
    return graph, x, {**signals, "output": signals[list(signals)[-1]]}


def full(value: float, *shape: int) -> Any:
    import torch

    return torch.full(shape, value)


def _leaky(kind: Any, beta: float, *shape: int, **more: Any) -> Any:
    """Return neurons with a beta and a threshold of 1 each, as the exporter needs them."""
    return kind(full(beta, *shape), threshold=full(1.0, *shape), init_hidden=True, **more)


@network
def snntorch_conv() -> Made:
    def make(nn: Any, snn: Any) -> list[Any]:
        return [
            nn.Conv2d(2, 4, 3, padding=1), _leaky(snn.Leaky, 0.875, 4, 8, 8),
            nn.AvgPool2d(2), nn.Conv2d(4, 6, 3, stride=2, padding=1),
            _leaky(snn.Leaky, 0.9, 6, 2, 2, reset_mechanism="zero"),
            nn.Flatten(), nn.Linear(24, 5), _leaky(snn.Leaky, 0.75, 5),
        ]  # fmt: skip

    return _snntorch(make, 2, 8, 8)


@network
def snntorch_synaptic() -> Made:
    def make(nn: Any, snn: Any) -> list[Any]:
        return [
            nn.Linear(12, 16),
            _leaky(partial(snn.Synaptic, full(0.75, 16)), 0.875, 16),
            nn.Linear(16, 5),
            _leaky(partial(snn.Synaptic, full(0.5, 5)), 0.9, 5),
        ]  # fmt: skip

    return _snntorch(make, 12, gain=0.5)


@network
def snntorch_rleaky() -> Made:
    def make(nn: Any, snn: Any) -> list[Any]:
        return [
            nn.Linear(12, 16), snn.RLeaky(full(0.875, 16), linear_features=16, init_hidden=True),
            nn.Linear(16, 6), snn.RLeaky(full(0.9, 6), V=full(-0.5, 6), all_to_all=False,
                                         init_hidden=True),
        ]  # fmt: skip

    return _snntorch(make, 12, gain=0.6)


@network
def snntorch_rsynaptic() -> Made:
    def make(nn: Any, snn: Any) -> list[Any]:
        return [
            nn.Linear(12, 16),
            snn.RSynaptic(full(0.75, 16), full(0.875, 16), linear_features=16, init_hidden=True,
                          reset_mechanism="zero"),
            nn.Linear(16, 6), _leaky(snn.Leaky, 0.9, 6, reset_delay=False,
                                       reset_mechanism="zero"),
        ]  # fmt: skip

    return _snntorch(make, 12, gain=0.4)


# -------------------------------------------------------------------- norse


def _norse(layers: Callable[[Any, Any], list[Any]], *shape: int, gain: float = 1.0) -> Made:
    import norse.torch as snn
    import torch
    from norse.torch.utils.export_nir import to_nir

    parts = layers(torch.nn, snn)
    net = snn.SequentialState(*parts)
    set_weights(net, gain)
    x = spikes(*shape)
    recorded: dict[str, list[np.ndarray]] = {
        str(i): [] for i, part in enumerate(parts) if type(part).__name__.endswith("Cell")
    }
    state: Any = [None] * len(parts)
    for t in range(STEPS):
        signal = torch.tensor(x[t])
        for i, part in enumerate(parts):
            if str(i) in recorded:
                signal, state[i] = part(signal, state[i])
                recorded[str(i)].append(signal.detach().numpy().copy())
            else:
                signal = part(signal)
    signals = {name: np.stack(found) for name, found in recorded.items()}
    sample = x[0, 0] if len(shape) == 3 else x[0, :1]  # maps with a batch cannot be written
    graph = to_nir(net, torch.tensor(sample))
    return graph, x, {**signals, "output": signals[list(signals)[-1]]}


@network
def norse_conv() -> Made:
    from norse.torch.functional.iaf import IAFParameters
    from norse.torch.functional.lif_box import LIFBoxParameters

    def make(nn: Any, snn: Any) -> list[Any]:
        box = LIFBoxParameters(tau_mem_inv=full(100.0, 4, 4, 4), v_leak=full(0.0, 4, 4, 4),
                               v_th=full(1.0, 4, 4, 4))  # fmt: skip
        iaf = IAFParameters(v_th=full(1.0, 6, 2, 2))
        return [nn.Conv2d(2, 4, 3, stride=2, padding=1), snn.LIFBoxCell(box),
                nn.Conv2d(4, 6, 3), snn.IAFCell(iaf)]  # fmt: skip

    return _norse(make, 2, 8, 8, gain=4.0)


@network
def norse_cuba() -> Made:
    def make(nn: Any, snn: Any) -> list[Any]:
        return [nn.Linear(12, 16), snn.LIFCell(), nn.Linear(16, 5), snn.LIBoxCell()]

    return _norse(make, 12, gain=3.0)


@network
def norse_subtract() -> Made:
    import torch
    from norse.torch.functional.lif_box import LIFBoxParameters
    from norse.torch.functional.reset import reset_subtract

    def make(nn: Any, snn: Any) -> list[Any]:
        p = LIFBoxParameters(tau_mem_inv=torch.tensor(250.0), v_leak=torch.tensor(0.125),
                             reset_method=reset_subtract)  # fmt: skip
        return [nn.Linear(12, 16), snn.LIFBoxCell(p), nn.Linear(16, 5), snn.LIFBoxCell(p)]

    return _norse(make, 12, gain=3.0)


# ------------------------------------------------------------- SpikingJelly


def _spikingjelly(make: Callable[[Any, Any], list[Any]], *shape: int, gain: float = 1.0) -> Made:
    import torch
    from spikingjelly.activation_based import functional, layer, neuron
    from spikingjelly.activation_based.nir_exchange import export_to_nir

    net = torch.nn.Sequential(*make(layer, neuron))
    set_weights(net, gain)
    x = spikes(*shape)
    recorded: dict[str, list[np.ndarray]] = {}
    for name, module in net.named_children():
        if isinstance(module, neuron.BaseNode):
            recorded[f"_{name}"] = []
            module.register_forward_hook(
                lambda _m, _i, out, name=f"_{name}": recorded[name].append(
                    out.detach().numpy().copy()
                )
            )
    for t in range(STEPS):
        net(torch.tensor(x[t]))
    signals = {name: np.stack(found) for name, found in recorded.items()}
    functional.reset_net(net)
    for found in recorded.values():
        found.clear()
    graph = export_to_nir(net, torch.tensor(x[0, :1]))
    return graph, x, {**signals, "output": signals[list(signals)[-1]]}


@network
def spikingjelly_conv() -> Made:
    def make(layer: Any, neuron: Any) -> list[Any]:
        return [
            layer.Conv2d(2, 4, 3, padding=1), neuron.IFNode(), layer.AvgPool2d(2, 2),
            layer.Conv2d(4, 6, 3, stride=2, padding=1), neuron.LIFNode(tau=2.0), layer.Flatten(),
            layer.Linear(24, 5), neuron.LIFNode(tau=4.0, decay_input=False, v_reset=-0.25),
        ]  # fmt: skip

    return _spikingjelly(make, 2, 8, 8, gain=1.5)


@network
def spikingjelly_conv1d() -> Made:
    def make(layer: Any, neuron: Any) -> list[Any]:
        return [layer.Conv1d(2, 6, 5, stride=2, padding=2), neuron.ParametricLIFNode(init_tau=2.0),
                layer.Flatten(), layer.Linear(48, 5, bias=False), neuron.IFNode()]  # fmt: skip

    return _spikingjelly(make, 2, 16, gain=2.0)


@network
def spikingjelly_if() -> Made:
    def make(layer: Any, neuron: Any) -> list[Any]:
        return [layer.Linear(12, 16), neuron.IFNode(), layer.Linear(16, 5), neuron.IFNode()]

    return _spikingjelly(make, 12)


@network
def spikingjelly_half() -> Made:
    def make(layer: Any, neuron: Any) -> list[Any]:
        return [layer.Linear(12, 16), neuron.LIFNode(), layer.Linear(16, 5), neuron.LIFNode()]

    return _spikingjelly(make, 12, gain=2.0)


@network
def spikingjelly_cuba() -> Made:
    def make(layer: Any, neuron: Any) -> list[Any]:
        return [
            layer.Linear(12, 16), neuron.CUBALIFNode(0.5, 0.75, v_threshold=1.0),
            layer.Linear(16, 5), neuron.CUBALIFNode(0.5, 0.75, v_threshold=1.0),
        ]  # fmt: skip

    return _spikingjelly(make, 12, gain=0.5)


# ------------------------------------------------------------------- sinabs


def _sinabs(make: Callable[[Any, Any], list[Any]], *shape: int, gain: float = 1.0) -> Made:
    import sinabs.layers as sl
    import torch
    from sinabs.nir import to_nir

    net = torch.nn.Sequential(*make(torch.nn, sl))
    set_weights(net, gain)
    x = spikes(*shape)
    flat = torch.tensor(np.moveaxis(x, 0, 1).reshape(BATCH * STEPS, *shape))  # batch, then time
    signals = {}
    signal = flat
    for name, module in net.named_children():
        signal = module(signal)
        if type(module).__module__.startswith("sinabs") and hasattr(module, "v_mem"):
            found = signal.detach().numpy().reshape(BATCH, STEPS, *signal.shape[1:])
            signals[name] = np.moveaxis(found, 0, 1).copy()
    graph = to_nir(net, flat)
    return graph, x, {**signals, "output": signals[list(signals)[-1]]}


@network
def sinabs_conv() -> Made:
    def make(nn: Any, sl: Any) -> list[Any]:
        return [
            nn.Conv2d(2, 4, 3, padding=1, bias=False), sl.IAFSqueeze(batch_size=BATCH),
            sl.SumPool2d(2), nn.Conv2d(4, 6, 3, stride=2, padding=1),
            sl.IAFSqueeze(batch_size=BATCH), nn.Flatten(), nn.Linear(24, 5),
            sl.IAFSqueeze(batch_size=BATCH),
        ]  # fmt: skip

    return _sinabs(make, 2, 8, 8, gain=0.75)


@network
def sinabs_leak() -> Made:
    import sinabs.activation as sa

    def make(nn: Any, sl: Any) -> list[Any]:
        return [
            nn.Linear(12, 16),
            sl.LIFSqueeze(tau_mem=full(8.0, 16), batch_size=BATCH, spike_fn=sa.SingleSpike,
                          spike_threshold=full(1.0, 16)),
            nn.Linear(16, 5), sl.ExpLeakSqueeze(tau_mem=full(4.0, 5), batch_size=BATCH),
        ]  # fmt: skip

    return _sinabs(make, 12, gain=6.0)


# ----------------------------------------------------------------- rockpool


def _rockpool(parts: Callable[[Any], list[Any]], size: int, gain: float = 1.0) -> Made:
    import torch
    from rockpool.nn.combinators import Sequential
    from rockpool.nn.modules import torch as rt
    from rockpool.nn.modules.torch.nir import to_nir

    layers = parts(rt)
    for seed, module in enumerate(layers, 1):
        if isinstance(module, rt.LinearTorch):
            shape = tuple(module.weight.shape)
            module.weight.data = torch.tensor(grid(shape, shape[0], seed, gain))
            if module.bias is not None:
                module.bias.data = torch.tensor(grid(tuple(module.bias.shape), 200, 100 + seed))
    net = Sequential(*layers)
    x = spikes(size)
    signal, signals = torch.tensor(np.moveaxis(x, 0, 1)), {}
    for i, module in enumerate(layers):
        module.reset_state()
        signal, _, _ = module(signal)
        if not isinstance(module, rt.LinearTorch):
            found = signal.detach().numpy()
            signals[f"{i}_{type(module).__name__}"] = np.moveaxis(found, 0, 1).copy()
    net.reset_state()
    return to_nir(net), x, {**signals, "output": signals[list(signals)[-1]]}


def _still(module: Any) -> Any:
    """Return a module whose parameters have no gradient: with one its exporter fails."""
    for name in ("tau", "tau_mem", "tau_syn", "bias", "threshold"):
        if hasattr(module, name):
            getattr(module, name).requires_grad_(requires_grad=False)
    return module


@network
def rockpool_cuba() -> Made:
    def make(rt: Any) -> list[Any]:
        return [
            rt.LinearTorch((12, 16), has_bias=True),
            _still(rt.LIFTorch(16, tau_mem=0.01, tau_syn=0.005)),
            rt.LinearTorch((16, 5)), _still(rt.ExpSynTorch(5, tau=0.004)),
        ]  # fmt: skip

    return _rockpool(make, 12, gain=0.25)


@network
def rockpool_spiking() -> Made:
    def make(rt: Any) -> list[Any]:
        return [
            rt.LinearTorch((12, 16), has_bias=True), rt.LIFNeuronTorch(16, tau_mem=0.01),
            rt.LinearTorch((16, 5)), rt.LIFNeuronTorch(5, tau_mem=0.005),
        ]  # fmt: skip

    return _rockpool(make, 12, gain=0.5)


# --------------------------------------------------------------------- Spyx


def _spyx(
    make: Callable[[Any, Any, Any], list[Any]], inputs: tuple[int, ...], outputs: int,
    gain: float = 1.0,
) -> Made:  # fmt: skip
    """Return a network of Spyx; `inputs` as it takes them, channels last."""
    import jax.numpy as jnp
    from flax import nnx
    from spyx import nir as exchange
    from spyx import nn as snn

    net = snn.Sequential(*make(nnx, snn, nnx.Rngs(0)))
    for seed, module in enumerate(net.layers, 1):
        for name in ("kernel", "recurrent_w"):
            weight = getattr(module, name, None)
            if weight is not None:
                shape = tuple(weight.shape)
                fan = int(np.prod(shape[:-1]))
                weight[...] = jnp.array(grid(shape, fan, seed, gain))
        if getattr(module, "bias", None) is not None:
            module.bias[...] = jnp.array(grid(tuple(module.bias.shape), 200, 100 + seed))
    x = spikes(*inputs)
    state = net.initial_state(BATCH)
    recorded: dict[str, list[np.ndarray]] = {}
    for t in range(STEPS):
        signal, after = jnp.array(x[t]), []
        for i, (module, kept) in enumerate(zip(net.layers, state, strict=True)):
            if kept is None:
                signal = module(signal)
                after.append(None)
                continue
            signal, now = module(signal, kept)
            after.append(now)
            psu = type(module).__name__ == "PSU_LIF"
            name = f"layer_{i}_threshold" if psu else f"layer_{i}"
            recorded.setdefault(name, []).append(np.asarray(signal))
        state = after
    signals = {name: np.stack(found) for name, found in recorded.items()}
    first = (inputs[2], *inputs[:2]) if len(inputs) == 3 else inputs
    graph = exchange.to_nir(net, {"input": np.array(first)}, {"output": np.array([outputs])})
    return graph, x, {**signals, "output": signals[list(signals)[-1]]}


@network
def spyx_conv() -> Made:
    def make(nnx: Any, snn: Any, rngs: Any) -> list[Any]:
        return [
            nnx.Conv(2, 4, (3, 3), rngs=rngs), snn.LIF((8, 8, 4), beta=0.875, rngs=rngs),
            snn.SumPool((2, 2), (2, 2), "VALID", channel_axis=-1),
            nnx.Conv(4, 6, (3, 3), strides=(2, 2), padding=((1, 1), (1, 1)), rngs=rngs),
            snn.IF((2, 2, 6)),
            snn.Flatten(), nnx.Linear(24, 5, rngs=rngs), snn.LIF((5,), beta=0.75, rngs=rngs),
        ]  # fmt: skip

    return _spyx(make, (8, 8, 2), 5)


@network
def spyx_recurrent() -> Made:
    def make(nnx: Any, snn: Any, rngs: Any) -> list[Any]:
        return [
            nnx.Linear(12, 16, rngs=rngs), snn.RLIF((16,), beta=0.875, rngs=rngs),
            nnx.Linear(16, 8, rngs=rngs), snn.RCuBaLIF((8,), alpha=0.75, beta=0.875, rngs=rngs),
            nnx.Linear(8, 5, rngs=rngs), snn.RIF((5,), rngs=rngs),
        ]  # fmt: skip

    return _spyx(make, (12,), 5, gain=0.5)


@network
def spyx_psu() -> Made:
    def make(nnx: Any, snn: Any, rngs: Any) -> list[Any]:
        return [
            nnx.Linear(12, 16, rngs=rngs), snn.CuBaLIF((16,), alpha=0.75, beta=0.875, rngs=rngs),
            nnx.Linear(16, 5, rngs=rngs), snn.PSU_LIF((5,), beta=0.875, rngs=rngs),
        ]  # fmt: skip

    return _spyx(make, (12,), 5, gain=0.5)


# ------------------------------------------------------------------ writing


def write(name: str, folder: Path) -> None:
    """Make a network and write its two files."""
    import nir

    graph, x, signals = MAKERS[name]()
    with suppress(
        ValueError, IndexError
    ):  # shapes that its type check cannot follow stay as they are
        graph.infer_types()
    scalars = any(np.ndim(v) == 0 for n in graph.nodes.values() for v in vars(n).values()
                  if isinstance(v, np.ndarray))  # fmt: skip
    nir.write(folder / f"{name}.nir", graph, compression=None if scalars else "gzip")
    small = {
        ("output" if key == "output" else f"spikes/{key}"): (
            value.astype(np.uint8) if (value == np.rint(value)).all() and value.min() >= 0
            else value.astype(np.float32)
        )
        for key, value in signals.items()
    }  # fmt: skip
    np.savez_compressed(folder / f"{name}.npz", x=x.astype(np.uint8), **small)
    rates = {key: round(float(value.mean()), 3) for key, value in small.items()}
    print(name, dict(zip(graph.nodes, (type(n).__name__ for n in graph.nodes.values()),
                         strict=True)), rates)  # fmt: skip


def main() -> int:
    """Write the files that the command line names."""
    warnings.simplefilter("ignore")
    folder, failed = Path(sys.argv[1]), 0
    folder.mkdir(parents=True, exist_ok=True)
    for name in sys.argv[2:] or MAKERS:
        try:
            write(name, folder)
        except Exception as error:
            failed += 1
            print(f"{name}: {type(error).__name__}: {error}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
