"""The linked model of a report: every byte of every section has its owner, on every core."""

from __future__ import annotations

import re
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from elftools.elf.elffile import ELFFile
from support.crossed import ALIKE, crossed
from support.zoo.golden import GOLDEN
from support.zoo.sized import MODELS as KERNEL_MODELS
from support.zoo.small import small_model

from codegen import isa
from codegen.plan.choose import plan
from codegen.render import render
from codegen.report.linked import Linked, link, read
from codegen.report.owners import ALIGNMENT, HELPER, LIBRARY, SHARED, function_of, memory_parts
from codegen.report.report import report
from codegen.target.boards import find_board, further_boards, hardware_boards, load_boards
from codegen.target.compiler import find_cross_compiler, size_of
from codegen.target.stack import disassemble
from qat.model import LIF, Count, Dense, EarlyStop, Latency, Layer, Model

pytestmark = pytest.mark.target

EXAMPLES = Path(__file__).parents[1] / "examples"


def latency() -> Model:
    """Return a model behind an encoder that has a table of its own."""
    layer = Layer(Dense([[1] * 30, [-1] * 30] * 20), LIF(3, (3,)))
    return Model(Latency.linear(30, 0, 15, 5), (layer,), Count(), 6, "latency")


MODELS = {
    **{model.name: model for model in GOLDEN},
    "small": small_model(),
    "early": replace(small_model(), stop=EarlyStop(40, 2), name="early"),
    "latency": latency(),
    "mnist-784": Model.load(EXAMPLES / "mnist-784.npz"),
}


def linked(model: Model, board: str, folder: Path) -> tuple[Linked, Path]:
    program = plan(model)
    elf = link(render(model), program, find_board(board), folder)
    return read(elf, program), elf


@pytest.mark.parametrize(
    ("name", "board"), crossed(MODELS, load_boards() | further_boards(), apart=ALIKE)
)
def test_items_and_parts_come_to_the_sections_of_the_file(
    name: str, board: str, tmp_path: Path
) -> None:
    found, path = linked(MODELS[name], board, tmp_path)
    _items_come_to_sections(MODELS[name], found, path)
    _parts_have_what_is_theirs(MODELS[name], found)


def _items_come_to_sections(model: Model, found: Linked, path: Path) -> None:
    with path.open("rb") as file:
        sizes = {s.name: s["sh_size"] for s in ELFFile(file).iter_sections() if s["sh_flags"] & 2}
    assert {s.name: s.bytes for s in found.sections if s.bytes} == {
        section: size for section, size in sizes.items() if size
    }
    for section in found.sections:
        items = [i.bytes for i in found.items if i.section == section.name]
        assert sum(items) == section.bytes
        assert all(size > 0 for size in items)
        assert sum(part.sections[section.name] for part in found.parts) == section.bytes
    assert sum(part.flash for part in found.parts) == found.flash
    assert sum(part.ram for part in found.parts) == found.ram
    program = plan(model)
    assert found.ram == (program.stream_bytes or program.ram_bytes)
    assert [part.part for part in found.parts] == list(memory_parts(program))


def _parts_have_what_is_theirs(model: Model, found: Linked) -> None:
    """Every part has its tables, its state and its code."""
    program = plan(model)
    parts = {part.part: part for part in found.parts}
    dense = {t.name: t for y in program.layers for t in getattr(y, "dense", ())}
    names = {item.name for item in found.items}
    groups = [f.group for f in program.fields if f.group]
    turns = {group for group in groups if groups.count(group) > 1}  # what layers share in turn
    for layer in program.layers:
        part = parts[f"layer {layer.index}"]
        fields = [f.bytes for f in layer.fields if f.group not in turns]
        tables = [t.bytes for t in (*layer.tables, *dense.values()) if t.name in names]
        assert part.sections[".rodata"] == sum(tables) > 0
        assert part.sections[".bss"] == part.ram == sum(fields)
        assert fields or {f.group for f in layer.fields} <= turns
        assert part.sections[".text"] > 20
    for part in parts.values():
        assert part.sections[".text"] > 10, part.part
    spare = [item.bytes for item in found.items if item.what == ALIGNMENT]
    assert all(size < 8 for size in spare)
    shared = parts[SHARED].sections[".rodata"]
    helpers = sum(
        i.bytes for i in found.items if i.section == ".rodata" and i.what in (HELPER, LIBRARY)
    )
    assert helpers <= shared <= helpers + sum(spare)


def _calls(path: Path, board: str) -> int:
    architecture = find_board(board).architecture
    functions = disassemble(path, architecture).values()
    return sum(architecture.called(f, i) is not None for f in functions for i in f.code)


@pytest.mark.parametrize(
    ("name", "board"),
    crossed(["analog", "free", "small"], load_boards() | further_boards(), apart=ALIKE),
)
def test_the_debugging_information_changes_no_byte(name: str, board: str, tmp_path: Path) -> None:
    """Beside what the linker adds: the C library, and words that align its functions.

    A linker for RISC-V makes 2 bytes of the 8 of a call, at most.
    """
    model = MODELS[name]
    found, path = linked(model, board, tmp_path)
    sizes = size_of(render(model), board)
    code = [i.bytes for i in found.items if i.section == ".text" and i.what != LIBRARY]
    library = [i.bytes for i in found.items if i.what == LIBRARY and i.section == ".text"]
    added = 2 * len(library) + 2
    shortened = 6 * _calls(path, board) if find_board(board).architecture is isa.RISCV else 0
    assert -added <= sizes.text - sum(code) <= added + shortened
    rodata = next(s.bytes for s in found.sections if s.name == ".rodata")
    tables = [i.bytes for i in found.items if i.section == ".rodata" and i.what == LIBRARY]
    ours = -(-sizes.rodata // 4) * 4 if tables else sizes.rodata  # words of the library lie behind
    assert rodata == ours + sum(tables)


def test_code_that_is_inline_counts_with_its_layer(tmp_path: Path) -> None:
    """A layer that stands apart is as large, about, as the same one inline in a step."""
    model = MODELS["analog"]
    files, program, board = render(model), plan(model), find_board("qemu-m4")
    apart = re.sub(
        r"static void (analog_layer1)",
        r"__attribute__((noinline)) static void \1",
        files["analog.c"],
    )
    assert apart != files["analog.c"]
    found = []
    for name, text in (("inline", files["analog.c"]), ("apart", apart)):
        (tmp_path / name).mkdir()
        elf = link({**files, "analog.c": text}, program, board, tmp_path / name)
        items = read(elf, program).items
        found.append([i for i in items if i.part == "layer 1" and i.section == ".text"])
    assert [i.what for i in found[0]] == ["inline in step"]
    assert [i.what for i in found[1]] == ["function"]
    inline, alone = (items[0].bytes for items in found)
    assert 0.8 * alone < inline <= 1.2 * alone


def test_functions_belong_to_what_they_compute() -> None:
    owners = {
        "analog_layer1": "layer 1",
        "analog_layer1.constprop.0": "layer 1",
        "analog_neurons0_4.isra.0": "layer 0",
        "analog_block_currents0_4": "currents",
        "analog_readout": "readout",
    }
    program = plan(MODELS["analog"])
    assert {name: function_of(name, program).part for name in owners} == owners
    program = plan(KERNEL_MODELS["rate"])
    assert function_of("snn_encode.part.0", program).part == "encoder"
    program = plan(MODELS["sensor"])
    assert function_of("sensor_sample.part.0", program).part == "sensor"
    kinds = {"sensor_add_strips4": HELPER, "sensor_classify": "interface", "memcpy": LIBRARY}
    assert {name: function_of(name, program).what for name in kinds} == kinds


def test_all_functions_of_the_header_are_kept(tmp_path: Path) -> None:
    model = MODELS["sensor"]
    _, path = linked(model, "qemu-m3", tmp_path)
    tool = find_cross_compiler().removesuffix("gcc") + "nm"
    done = subprocess.run([tool, str(path)], capture_output=True, text=True, check=True)
    there = set(re.findall(r" T sensor_(\w+)", done.stdout))
    declared = re.findall(r"^(?:void|int32_t) sensor_(\w+)\(", render(model)["sensor.h"], re.M)
    assert there == set(declared) - {"membranes", "before_reset"}


@pytest.mark.parametrize("board", ["bluepill_f103c8", "nucleo_f072rb", "pico", "nucleo_l552ze_q"])
def test_headroom_is_what_the_board_has_less_model_and_stack(board: str) -> None:
    found, has = report(MODELS["mnist-784"], board), hardware_boards()[board]
    left = found.headroom
    assert (found.board_flash, found.board_ram) == (has.flash, has.ram)
    assert left.flash == has.flash - found.flash
    assert left.ram == has.ram - found.ram - found.stack
    assert left.flash_percent == pytest.approx(100 * left.flash / has.flash, abs=0.05)
    assert left.ram_percent == pytest.approx(100 * left.ram / has.ram, abs=0.05)


def test_a_model_that_is_too_large_leaves_less_than_nothing() -> None:
    board = replace(find_board("qemu-m4"), flash=20_000, ram=2048)
    found = report(MODELS["mnist-784"], board)
    assert found.headroom.flash == 20_000 - found.flash < 0
    assert found.headroom.flash_percent < 0
    assert found.headroom.ram == 2048 - found.ram - found.stack < 0


def test_what_is_shared_is_told_by_kind() -> None:
    found = report(MODELS["small"], "qemu-m3")
    (part,) = (p for p in found.memory if p.part == SHARED)
    kinds = found.shared()
    assert sum(kinds.values()) == part.flash + part.ram
    assert kinds["scratch"] == part.ram
    assert kinds["interface"] > 100
