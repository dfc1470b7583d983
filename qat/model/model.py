"""The integer model itself: the chain, its checks, its run."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qat.model import file as _file
from qat.model.atomic import write_file
from qat.model.bounds import Bounds, model_bounds
from qat.model.checks import check_size, integer, plain
from qat.model.detector import Detector
from qat.model.digest import digest
from qat.model.edges import INPUT
from qat.model.execution import Result, run, running_scores
from qat.model.foreign import foreign
from qat.model.inputs import INPUTS, Input, Spikes
from qat.model.layer import Layer
from qat.model.names import check_c_name, known_name
from qat.model.readouts import READOUTS, EarlyStop, Readout
from qat.model.shape import Shape
from qat.model.spectrum import FrontEnd
from qat.model.state import State
from qat.model.synapses import Synapse


@dataclass(frozen=True, eq=False)
class Model:
    """A chain of layers with an input, a readout and a number of steps.

    Within a step the layers run in order, so that the spikes of a layer reach the next one
    in the same step. Further edges of a layer (`Layer.more`) read the input, any earlier layer, or
    what the layer itself sent in earlier steps.

    input:    Analog, Frames, Spikes, Rate, Latency or Delta
    layers:   one Layer or more, in the order that spikes travel
    readout:  Accumulate, Count, or None for a free-running model
    steps:    T, or None for a free-running model
    name:     a C identifier, the prefix of every generated name; see qat.model.names
    metadata: JSON values outside the digest, such as firing rates; "data" says how the data that
              trained the model were read and divided (the fields of qat.origin.DataOrigin: name,
              file, classes, channels, label, by, ignored, unit, rate, window, division, ...), so
              that `qat.datasets.load(path, like=model)` reads another file in the same way
    stop:     when an inference may end before step T, or None
    sensor:   how raw samples become the input: a Sensor, a Spectrum of sound, or None
    detector: when the windows of a stream of samples detect a class, or None

    Raises ValueError where the shapes do not chain, a value can leave int32, or a neuron has
    no bound.
    """

    input: Input
    layers: tuple[Layer, ...]
    readout: Readout | None = None
    steps: int | None = None
    name: str = "snn"
    metadata: Mapping[str, Any] = field(default_factory=dict)
    stop: EarlyStop | None = None
    sensor: FrontEnd | None = None
    detector: Detector | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "layers", tuple(self.layers))
        if self.steps is not None:
            object.__setattr__(self, "steps", integer("Model.steps", self.steps, 1, 2**24))
        self.validate()

    # ---------------------------------------------------------- checks

    def validate(self) -> None:
        """Raise ValueError if the model breaks a rule of the integer model."""
        check_c_name(self.name)
        self._check_kinds()
        self._check_chain()
        self._check_shifts()
        self._check_metadata()
        self._check_stop()
        self._check_sensor()
        self.bounds()
        self._check_detector()

    def _check_kinds(self) -> None:
        if not isinstance(self.input, INPUTS):
            kinds = ", ".join(kind.__name__ for kind in INPUTS)
            raise ValueError(f"Model.input: found {self.input!r}; one of {kinds}")
        if not self.layers or not all(isinstance(layer, Layer) for layer in self.layers):
            raise ValueError("Model.layers: needs at least one Layer")
        if not isinstance(self.readout, Readout | None):
            kinds = ", ".join(kind.__name__ for kind in READOUTS)
            raise ValueError(f"Model.readout: found {self.readout!r}; {kinds} or None")
        if (self.readout is None) != (self.steps is None):
            raise ValueError(
                f"Model: found readout {type(self.readout).__name__} with steps {self.steps}; a "
                "readout needs a fixed number of steps, and a free-running model has neither"
            )

    def _check_chain(self) -> None:
        weighted = self.readout.synapses if self.readout is not None else ()
        scores = sum(synapse.n_out for synapse in weighted)
        check_size(len(self.layers), sum(layer.size for layer in self.layers) + scores)
        shape = self.input.reads_shape
        for index, layer in enumerate(self.layers):
            try:
                shape = layer.output_shape(shape)
            except ValueError as error:
                raise ValueError(f"layer {index}: {error}") from None
            self._check_edges(index)
        for synapse in weighted:
            try:
                synapse.output_shape(shape)
            except ValueError as error:
                raise ValueError(f"readout: {error}") from None

    def _check_edges(self, index: int) -> None:
        """Refuse edges of a layer whose source is none, or another map than they read."""
        held = self.input.held and not self.input.spiking
        for place, edge in enumerate(self.layers[index].edges):
            try:
                edge.check(index, held)
                edge.synapse.output_shape(self.shape_of(edge.reads_from(index)))
            except ValueError as error:
                raise ValueError(f"{self._edge_name(index, place)}: {error}") from None

    def _check_shifts(self) -> None:
        for index, layer in enumerate(self.layers):
            for place, edge in enumerate(layer.edges):
                try:
                    edge.synapse.check_reads(self.spikes_of(edge.reads_from(index)))
                except ValueError as error:
                    raise ValueError(f"{self._edge_name(index, place)}: {error}") from None
        for synapse in self.readout.synapses if self.readout is not None else ():
            try:
                synapse.check_reads(spiking=True)
            except ValueError as error:
                raise ValueError(f"readout: {error}") from None

    def _check_metadata(self) -> None:
        try:
            json.dumps(dict(self.metadata), allow_nan=False)
        except (TypeError, ValueError, RecursionError) as error:
            raise ValueError(f"Model.metadata: must hold JSON values ({error})") from None

    def _check_stop(self) -> None:
        if self.stop is None:
            return
        if not isinstance(self.stop, EarlyStop):
            raise ValueError(f"Model.stop: found {self.stop!r}; EarlyStop or None")
        if self.readout is None or self.steps is None or self.outputs < 2:
            raise ValueError("Model.stop: needs a readout of at least two outputs")
        if self.stop.first > self.steps:
            raise ValueError(
                f"Model.stop: first is {self.stop.first}; the model runs {self.steps} steps"
            )

    def _check_sensor(self) -> None:
        sensor = self.sensor
        if sensor is None:
            return
        if not isinstance(sensor, FrontEnd) or isinstance(self.input, Spikes):
            raise ValueError("Model.sensor: must be a Sensor or Spectrum, for an input of bytes")
        if sensor.vectors is not None and (not self.input.held or self.steps is None):
            raise ValueError("Model.sensor: vectors of one input need a held input, and T steps")
        if sensor.width * (sensor.vectors or 1) != self.input.size:
            each = f" in each of {sensor.vectors} vectors" if sensor.vectors else ""
            what = "channels" if sensor.width == sensor.channels else "bands"
            raise ValueError(
                f"Model.sensor: has {sensor.width} {what}{each}; the input has {self.input.size}"
            )
        if sensor.hop is not None and self.window is None:
            raise ValueError("Model.sensor: a hop needs windows: a vector a step, and T steps")

    def _check_detector(self) -> None:
        if self.detector is None:
            return
        if not isinstance(self.detector, Detector):
            raise ValueError(f"Model.detector: found {self.detector!r}; Detector or None")
        scores = self.bounds().scores
        if self.sensor is None or scores is None:
            raise ValueError("Model.detector: needs scores, and a sensor or spectrum before them")
        self.detector.check(self.outputs, scores.magnitude)

    # ------------------------------------------------------ properties

    def synapses(self) -> tuple[tuple[str, Synapse], ...]:
        """Return (where it stands, synapse) for every edge of every layer, and the readout."""
        named = [
            (self._edge_name(i, place), edge.synapse)
            for i, y in enumerate(self.layers)
            for place, edge in enumerate(y.edges)
        ]
        if self.readout is not None:
            named += [("readout", synapse) for synapse in self.readout.synapses]
        return tuple(named)

    def _edge_name(self, index: int, place: int) -> str:
        """Return where an edge of a layer stands: the first is the layer's own."""
        return f"layer {index}" if place == 0 else f"layer {index} edge {place}"

    def shape_of(self, source: int) -> Shape:
        """Return the shape of what a source sends: a layer's number, or INPUT."""
        return self.input.reads_shape if source == INPUT else self.layers[source].shape

    def spikes_of(self, source: int) -> bool:
        """Return True if a source sends spikes or counts of them; an input may send values."""
        return source != INPUT or self.input.spiking

    def sent(self, source: int) -> tuple[int, int]:
        """Return the smallest and largest value that a source sends in a step."""
        return self.input.reads if source == INPUT else (0, self.layers[source].levels)

    @cached_property
    def pasts(self) -> Mapping[int, int]:
        """How many steps of the past of a source are read, by its number, in the order of these.

        Sources that are read without a delay alone are absent.
        """
        found: dict[int, int] = {}
        for index, layer in enumerate(self.layers):
            for edge in layer.edges:
                source = edge.reads_from(index)
                found[source] = max(found.get(source, 0), edge.longest)
        return {source: found[source] for source in sorted(found) if found[source]}

    def reads(self, index: int) -> tuple[int, int]:
        """Return the smallest and largest value that the layer before sends layer `index`.

        The readout stands behind the layers.
        """
        return self.sent(index - 1)

    def shapes(self) -> tuple[Shape, ...]:
        """Return the shape of what layer 0 reads, then of the signal of every layer."""
        shapes = [self.input.reads_shape]
        for layer in self.layers:
            shapes.append(layer.output_shape(shapes[-1]))
        return tuple(shapes)

    @property
    def window(self) -> int | None:
        """Vectors of its sensor that an inference takes; None where there are no windows of them.

        They are the steps, or lie in one held input; one held vector, and the steps of a model
        that runs free, are no windows.
        """
        if self.sensor is None or self.steps is None:
            return None
        return self.sensor.vectors if self.input.held else self.steps

    @property
    def outputs(self) -> int:
        """Number of scores, or of values of the last signal if the model runs free."""
        weighted = self.readout.synapses if self.readout is not None else ()
        return weighted[-1].n_out if weighted else self.layers[-1].sends

    @property
    def class_names(self) -> tuple[str, ...]:
        """Words for the outputs, in their order, as the training data have them; () without such.

        They stand in the metadata, which anyone may have written: a list that does not have one
        word for each output counts as none, and whoever prints a word escapes it.
        """
        data = self.metadata.get("data")
        names = data.get("classes") if isinstance(data, Mapping) else None
        if not isinstance(names, list) or len(names) != self.outputs:
            return ()
        return tuple(names) if all(isinstance(name, str) for name in names) else ()

    @cached_property
    def _bounds(self) -> Bounds:
        return model_bounds(self)

    @cached_property
    def _digest(self) -> str:
        return digest(self)

    def bounds(self) -> Bounds:
        """Return the proved range of every accumulator, current, membrane and score."""
        return self._bounds

    def digest(self) -> str:
        """Return 32 hex digits over everything that changes results, and nothing else."""
        return self._digest

    # ----------------------------------------------------------- use

    def run(
        self,
        x: ArrayLike,
        state: State | None = None,
        trace: bool = False,
        steps: int | None = None,
    ) -> Result:
        """Run the model over a batch, in exact integers.

        x:     (batch, inputs) where the input is held (Analog, Rate, Latency), else
               (batch, steps, inputs); integers
               within the range of the input, of any integer, boolean or float dtype
        state: the state to start from, as a Result returns it: the state arrays of every layer,
               (batch, neurons) int32, then the past of the signals that are read with a delay,
               (batch, steps, values); free-running models only
        trace: keep every layer's spikes, u and v at every step
        steps: the number of steps, for a free-running model with analog input

        Returns a Result. Raises ValueError for inputs of another shape or range.
        """
        return run(self, x, state, trace, steps)

    def scores_by_step(self, x: ArrayLike) -> NDArray[np.int32]:
        """Return the scores as they are after every step, (batch, step, outputs) int32.

        x: as for `run`. No rule ends an inference here. Raises ValueError for a model that runs
        free, and as `run` does.
        """
        if self.readout is None:
            raise ValueError("scores_by_step: a free-running model has no scores")
        whole = replace(self, stop=None)
        spikes = whole.run(x, trace=True).spikes
        assert spikes is not None
        return running_scores(whole, spikes[-1])

    def inputs_of(self, samples: ArrayLike) -> NDArray[Any]:
        """Return what raw samples of the sensor are as inputs, for `run`.

        samples: (samples, channels), values that int16 holds, in the order of time. Returns
        (vectors, inputs) where the input is held, else the windows, (windows, steps, inputs);
        a model that runs free has one window, of all vectors.

        Raises ValueError for a model without a sensor and samples of another shape or range.
        """
        if self.sensor is None or isinstance(self.input, Spikes):
            raise ValueError("inputs_of: this model has no sensor; it takes inputs as they are")
        vectors = self.sensor.scale(samples, self.input.low, self.input.high)
        if self.window is not None or not self.input.held:
            vectors = self.sensor.windows(vectors, self.window or len(vectors))
        if self.input.held:
            vectors = vectors.reshape(len(vectors), self.input.size)
        return vectors.astype(self.input.dtype)

    def save(self, path: str | PathLike[str]) -> None:
        """Write the model to `path`, whole or not at all; the same model gives the same bytes.

        Raises ValueError if the file cannot be written, or is larger than one that is read.
        """
        path = Path(path)
        try:
            data = _file.to_bytes(self)
        except ValueError as error:
            raise ValueError(f"{path}: {error}") from None
        write_file(path, data)

    @classmethod
    def load(cls, path: str | PathLike[str]) -> Model:
        """Read a model, trusting nothing in the file.

        Raises ValueError, naming the file, if it is missing, damaged, of a future format,
        breaks a rule of the model, or does not have the digest that it claims.
        """
        path = Path(path)
        try:
            values, claimed = _file.from_bytes(_file.content(path))
            model = cls(**values | {"name": known_name(values.get("name", "snn"))})
        except OSError as error:
            raise ValueError(f"{path}: cannot be read ({error.strerror})") from None
        except (ValueError, TypeError, OverflowError) as error:
            raise ValueError(f"{path}: {foreign(path) or plain(error)}") from None
        except MemoryError:
            raise ValueError(f"{path}: needs more memory than there is") from None
        if model.digest() != claimed:
            raise ValueError(
                f"{path}: the header claims digest {plain(claimed)}, the content has "
                f"{model.digest()}; the file was changed after it was saved"
            )
        return model
