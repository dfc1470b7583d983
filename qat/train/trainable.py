"""A chain of layers behind an encoder, with its parameters: how it runs, and its gradients."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qat.model.inputs import Input
from qat.train.chain import Chain, Pass, Response
from qat.train.dynamics import Spike
from qat.train.fold import Constants, Float
from qat.train.heads import AccumulateTwin
from qat.train.inflow import accepted, time_major
from qat.train.norm import Moments, Parameters
from qat.train.surrogate import heaviside
from qat.train.twins import LayerTwin

BYTES_PER_WEIGHT = 32
"""Weights, their gradient, the two moments of Adam, codes, and what forms the next of each."""

VALUES_PER_NEURON = 4
"""Numbers kept per neuron and step in training: u, spikes, the current and the gradient."""

MEASURED, AT_ONCE = 4096, 256
"""Samples by which the moments of batch norms are measured, and how many of them make a batch."""

PIECE_VALUES = 2**21
"""Membranes that are computed in one piece outside of training, so that memory stays bounded."""


class Trainable:
    """What trains and runs, whatever the settings were that it was made with.

    encoder:     the record of its input
    chain:       its layers and readout
    parameters:  what training changes; see qat.train.chain for their names
    steps:       T
    input:       the word for its encoder
    input_range: smallest and largest input value; None until it is known
    """

    encoder: Input
    chain: Chain
    parameters: Parameters
    steps: int
    input: str
    input_range: tuple[int, int] | None

    # ------------------------------------------------------------- structure

    @property
    def products(self) -> int:
        """Products that the currents of one inference take."""
        return self.chain.products(self._input_steps)

    @property
    def _input_steps(self) -> int:
        """Steps in which the first layer's currents are computed: one, where they are held."""
        return 1 if self.encoder.held and not self.encoder.spiking else self.steps

    @property
    def layers(self) -> tuple[LayerTwin, ...]:
        """The layers that spike."""
        return self.chain.layers

    @property
    def head(self) -> AccumulateTwin | None:
        """The readout that accumulates; None where the last layer's counts are the scores."""
        return self.chain.head

    @property
    def twins(self) -> tuple[LayerTwin | AccumulateTwin, ...]:
        """Every layer with weights, the readout included."""
        return self.chain.twins

    @property
    def normalised(self) -> bool:
        """True if batch norms stand before the neurons."""
        return self.chain.normalised

    def of_layer(self, values: Parameters, index: int) -> Parameters:
        """Return the entries of `values` that belong to a layer, without its number."""
        return self.chain.of_layer(values, index)

    def constrained(self, parameters: Parameters) -> Parameters:
        """Return the parameters within the ranges that their layers allow."""
        return self.chain.constrained(parameters)

    # ---------------------------------------------------------------- memory

    def training_bytes(self, batch: int) -> int:
        """Return about how much memory training with batches of this many samples takes."""
        inputs = self.encoder.lines * self._input_steps
        neurons = sum(twin.n_out for twin in self.layers)
        inputs += sum(self._copies(twin) for twin in self.layers)
        return BYTES_PER_WEIGHT * self.chain.weights + 4 * batch * (
            2 * inputs + VALUES_PER_NEURON * self.steps * neurons
        )

    def _copies(self, twin: LayerTwin) -> int:
        """Return the values of delayed signals that training keeps of a layer, over all steps."""
        late = [twin.n_in] if twin.delays is not None else []
        return self.steps * sum((*late, *(edge.synapse.n_in for edge in twin.more)))

    # ----------------------------------------------------------------- input

    def encode(self, x: NDArray[Any]) -> NDArray[Any]:
        """Return what the first layer receives of a batch that `check` has accepted."""
        return self.encoder.encode(x, self.steps)

    def check(self, x: ArrayLike) -> NDArray[Any]:
        """Return `x` as an array this network accepts, or raise ValueError.

        x: (batch, inputs) for analog input, else (batch, steps, inputs); whole numbers
        """
        if self.input_range is None and self.input != "spikes":
            raise ValueError("Network.input_range: is not known yet; train first, or give it")
        return accepted(x, self.encoder, self.steps, self.input)

    # ------------------------------------------------------- forward, backward

    def fold(self) -> tuple[Constants, ...]:
        """Return the integer model's constants for every twin; call it once per weight update."""
        return self.chain.fold(self.parameters)

    def forward(
        self,
        x: NDArray[Any],
        constants: tuple[Constants, ...],
        spike: Spike = heaviside,
        *,
        training: bool = False,
    ) -> Pass:
        """Run a batch that `check` has accepted.

        spike:    other than the step, it checks gradients
        training: batch norms take the moments of this batch
        """
        signal = time_major(self.encode(x))
        return self.chain.forward(self.parameters, constants, signal, spike, training)

    def backward(
        self,
        run: Pass,
        constants: tuple[Constants, ...],
        d_logits: Float,
        d_rates: Sequence[Float] | None = None,
    ) -> Parameters:
        """Return the gradient of every parameter from dL/d logits and dL/d mean firing rates.

        d_logits: (batch, outputs)
        d_rates:  per spiking layer, (neurons,): dL/d the mean spikes per step over the batch
        """
        return self.chain.backward(self.parameters, constants, run, d_logits, d_rates)

    # ------------------------------------------------------------------- use

    def pieces(self, x: NDArray[Any]) -> Iterator[NDArray[Any]]:
        """Yield consecutive parts of a batch, each of bounded memory."""
        widest = max(self.encoder.size, *(twin.n_out for twin in self.twins))
        size = max(1, PIECE_VALUES // (widest * self.steps))
        for i in range(0, max(len(x), 1), size):
            yield x[i : i + size]

    def run(self, x: ArrayLike) -> Response:
        """Return scores, predictions and all spikes; ValueError as `check` raises it."""
        constants = self.fold()
        passes = [self.forward(piece, constants) for piece in self.pieces(self.check(x))]
        scores = np.concatenate([p.scores for p in passes])
        spikes = tuple(
            np.rint(np.concatenate(layer, axis=1).transpose(1, 0, 2)).astype(dtype)
            for dtype, layer in zip(
                self.chain.signal_dtypes(),
                zip(*([t.spikes for t in p.traces] for p in passes), strict=True),
                strict=True,
            )
        )
        return Response(scores, scores.argmax(axis=1), spikes)

    def measured(self, x: NDArray[Any]) -> Parameters:
        """Return the parameters with moments of the batch norms as they are on these inputs.

        x: as `check` has accepted it; MEASURED of them at most are taken, spread over all
        """
        if not self.normalised or not len(x):
            return self.parameters
        constants, chosen = self.fold(), np.random.RandomState(0).permutation(len(x))[:MEASURED]
        parts = max(1, len(chosen) // AT_ONCE)
        passes = [
            self._moments(x[part], constants) for part in np.array_split(np.sort(chosen), parts)
        ]
        return self.chain.together(self.parameters, passes)

    def _moments(self, x: NDArray[Any], constants: tuple[Constants, ...]) -> list[Moments]:
        traces = self.forward(x, constants, training=True).traces
        return [trace.moments for trace in traces if trace.moments is not None]

    def predict(self, x: ArrayLike) -> NDArray[np.int64]:
        """Return the class of every sample, (batch,) int64; ValueError as `check` raises it."""
        constants = self.fold()
        scores = [self.forward(piece, constants).scores for piece in self.pieces(self.check(x))]
        return np.concatenate(scores).argmax(axis=1)
