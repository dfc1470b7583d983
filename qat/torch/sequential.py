"""A network of torch whose forward pass is the integer model's."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from qat.model import INPUT, FrontEnd
from qat.model.checks import integer
from qat.model.inputs import Input
from qat.torch.modules import Layer, Readout
from qat.torch.parts import LI, Accumulate, Count, chain_of
from qat.train.arrays import host
from qat.train.chain import Chain, Response
from qat.train.inflow import accepted, time_major
from qat.train.network import READOUTS
from qat.train.norm import Moments, Parameters
from qat.train.optimiser import RATES, kind_of
from qat.train.trainable import AT_ONCE, MEASURED, PIECE_VALUES


class Sent(NamedTuple):
    """What a network did; tensors with their gradients.

    scores: (batch, outputs), whole numbers unless a layer has real weights
    spikes: the signal of every layer, (steps, batch, values)
    """

    scores: Tensor
    spikes: tuple[Tensor, ...]


class Sequential(nn.Module):
    """Spiking layers one behind the other, with an input before them and a readout behind.

        net = Sequential(Analog(64, 0, 16), Dense(64), LIF(), Accumulate(10), steps=8)

    parts: an input (a record of qat.model), then for each layer synapses (Dense, Conv), neurons
           (LIF, CuBa, ALIF, Burst) and perhaps a Pool (the record), then Accumulate, LI or Count
    steps: T
    norm:  a batch norm before the neurons of every layer, as with convolutions and Burst
    seed:  of the initial weights

    Called with x, it returns scores, (batch, outputs): whole numbers, those of the model that
    `qat.torch.export` makes. `logits` makes logits of them, for a loss.

    Raises ValueError for parts out of order, and what qat.Network refuses as well.
    """

    def __init__(self, *parts: Any, steps: int, norm: bool = False, seed: int = 0) -> None:
        super().__init__()
        steps = integer("Sequential.steps", steps, 1, 2**24)
        encoder, chain = chain_of(parts, steps, norm)
        words = {Accumulate: "accumulate", LI: "li", Count: "count"}
        gain = READOUTS[words[type(parts[-1])]]
        self._build(encoder, chain, chain.initial(np.random.default_rng(seed), gain))

    @classmethod
    def of(cls, encoder: Input, chain: Chain, parameters: Parameters) -> Sequential:
        """Return the network of a chain of twins, with parameters by their names there."""
        made = cls.__new__(cls)
        nn.Module.__init__(made)
        made._build(encoder, chain, parameters)
        if chain.normalised:
            made.measured.fill_(1)
        return made

    def _build(self, encoder: Input, chain: Chain, parameters: Parameters) -> None:
        self.encoder, self.chain = encoder, chain
        self.sensor: FrontEnd | None = None
        """How samples of a sensor become its inputs; goes into the model that is exported."""
        own = [chain.of_layer(parameters, i) for i in range(len(chain.twins))]
        layers = [Layer(twin, i, own[i]) for i, twin in enumerate(chain.layers)]
        self.layers = nn.ModuleList(layers)
        last = len(layers)
        self.readout = None if chain.head is None else Readout(chain.head, last, own[last])
        self.log_gain = nn.Parameter(torch.tensor(np.asarray(parameters["log_gain"])))
        if chain.normalised:
            self.register_buffer("measured", torch.tensor(0, dtype=torch.uint8))

    @property
    def weighted(self) -> tuple[Layer | Readout, ...]:
        """Every module with weights, the readout last."""
        found: list[Any] = [*self.layers]
        return tuple(found if self.readout is None else [*found, self.readout])

    @property
    def device(self) -> torch.device:
        """Where its parameters are."""
        return self.log_gain.device

    # ---------------------------------------------------------------- inputs

    def arriving(self, x: Any) -> NDArray[Any]:
        """Return what the first layer receives of inputs, batch before time, as the record has it.

        x: (batch, inputs) where the input is held, else (time, batch, inputs); in place of inputs
           (height, width, channels) of its map. Whole numbers in its range, on any device.

        Raises ValueError for other shapes and values.
        """
        record, steps, array = self.encoder, self.chain.steps, host(torch.as_tensor(x))
        usual = 2 if record.held else 3
        if array.ndim == usual + 2 and array.shape[-3:] == record.shape.sides:
            array = array.reshape(*array.shape[:-3], record.size)
        timed = record.held or array.shape[0] == steps
        if array.ndim != usual or array.shape[-1] != record.size or not timed:
            first = "batch" if record.held else f"{steps} steps, batch"
            raise ValueError(
                f"x: found shape {tuple(array.shape)}; needs ({first}, {record.size}), or the "
                f"sides of its map, {record.shape.sides} (height, width, channels), in place of "
                f"{record.size}"
            )
        if not record.held:
            array = array.transpose(1, 0, 2)
        array = accepted(array, record, steps, type(record).__name__.lower())
        return record.encode(array.astype(record.dtype), steps)

    def given(self, x: Any) -> Tensor:
        """Return it as a tensor of (steps or 1, batch, lines), where the parameters are."""
        sent = np.ascontiguousarray(time_major(self.arriving(x)))
        return torch.as_tensor(sent, device=self.device)

    # --------------------------------------------------------------- forward

    def forward(self, x: Any) -> Tensor:
        """Return the scores, (batch, outputs), of inputs as `arriving` takes them."""
        return self.sent(x).scores

    def sent(self, x: Any) -> Sent:
        """Return scores and spikes, for losses that look at spikes."""
        exact_products()
        self.know_moments()
        signals = {INPUT: self.given(x)}
        with torch.autocast(self.device.type, enabled=False):
            for i, layer in enumerate(self.layers):
                signals[i] = layer(signals)
            last = signals[len(self.layers) - 1]
            scores = last.sum(dim=0) if self.readout is None else self.readout(last)
        return Sent(scores, tuple(signals[i] for i in range(len(self.layers))))

    def know_moments(self) -> None:
        """Refuse a network whose batch norms have no moments; in training, they become old."""
        if not self.chain.normalised:
            return
        if self.training:
            self.measured.fill_(0)
        elif not self.measured:
            raise ValueError(
                "Sequential: the moments of its batch norms are not those of its weights; call "
                "net.measure(x) with training data before net.eval() and qat.torch.export"
            )

    def logits(self, scores: Tensor) -> Tensor:
        """Return logits, (batch, outputs): scores a step in real units, times a learned gain."""
        head = self.readout
        unit, span = (np.ones(()), self.chain.steps) if head is None else (
            head.folded().unit, head.twin.span,
        )  # fmt: skip
        scale = self.log_gain.double().exp() * torch.as_tensor(unit / span, device=self.device)
        return (scores.double() * scale).to(self.log_gain.dtype)

    # ------------------------------------------------------------------- use

    @torch.no_grad()
    def measure(self, x: Any) -> None:
        """Take the moments of batch norms anew, on inputs as `arriving` takes them: training data.

        Call it behind the last update and before every evaluation: moments are those of the
        weights. At most 4,096 samples are taken, spread over all. Without batch norms nothing
        happens.
        """
        if not self.chain.normalised:
            return
        axis = 0 if self.encoder.held else 1
        whole, mode = torch.as_tensor(x), self.training
        chosen = np.sort(np.random.RandomState(0).permutation(whole.shape[axis])[:MEASURED])
        found: list[list[Moments]] = []
        self.train()
        for part in np.array_split(chosen, max(1, len(chosen) // AT_ONCE)):
            self.sent(whole.index_select(axis, torch.as_tensor(part, device=whole.device)))
            found.append([m.of_numpy() for y in self.layers if (m := y.moments) is not None])
        for layer, parts in zip(self.layers, zip(*found, strict=True), strict=True):
            dtype = host(layer.weight).dtype
            for name, value in Moments.together(list(parts)).as_parameters(dtype).items():
                getattr(layer, name).copy_(torch.as_tensor(value))
        self.train(mode)
        self.measured.fill_(1)

    @torch.no_grad()
    def run(self, x: Any) -> Response:
        """Return scores, predictions and all spikes as arrays of NumPy, without gradients.

        x: as `arriving` takes it; computed in pieces, so that memory stays bounded
        """
        axis, whole, mode = 0 if self.encoder.held else 1, torch.as_tensor(x), self.training
        widest = max(self.encoder.lines, *(twin.n_out for twin in self.chain.twins))
        size = max(1, PIECE_VALUES // (widest * self.chain.steps))
        self.eval()
        try:
            sent = [self.sent(piece) for piece in whole.split(size, dim=axis)]
        finally:
            self.train(mode)
        scores = np.concatenate([host(one.scores) for one in sent])
        spikes = tuple(
            np.concatenate([host(one.spikes[i]) for one in sent], axis=1)
            .transpose(1, 0, 2)
            .astype(dtype)
            for i, dtype in enumerate(self.chain.signal_dtypes())
        )
        return Response(scores, scores.argmax(axis=1), spikes)

    def groups(self, learning_rate: float, weight_decay: float = 0.0) -> list[dict[str, Any]]:
        """Return parameter groups for an optimizer, treated as `qat.fit` does.

        Weights alone decay (decoupled: AdamW); thresholds, the gain of the logits and delays, which
        are in steps, have rates of their own.
        """
        found = []
        for name, parameter in self.named_parameters():
            kind = kind_of(name)
            found.append({
                "params": [parameter],
                "lr": learning_rate * RATES.get(kind, 1.0),
                "weight_decay": weight_decay if kind == "weight" else 0.0,
            })  # fmt: skip
        return found

    def parameters_by_name(self) -> Parameters:
        """Return parameters and statistics, arrays of NumPy, by their names in qat.Network."""
        found = {
            f"{i}.{name}": value.copy()
            for i, part in enumerate(self.weighted)
            for name, value in part.values().items()
        }
        return found | {"log_gain": host(self.log_gain).copy()}


def exact_products() -> None:
    """Raise ValueError where torch may round the products of whole numbers in float32."""
    precision = torch.get_float32_matmul_precision()
    if precision != "highest":
        raise ValueError(
            f"torch: products of float32 may be rounded (TF32, bfloat16): the precision is "
            f"{precision!r}; call torch.set_float32_matmul_precision('highest')"
        )
