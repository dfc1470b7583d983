"""Budgets, currents and energies: what is parsed, what is refused, what is computed."""

from __future__ import annotations

import pytest

from codegen.base.quantities import AMPERES, BYTES, MICROJOULES, in_units, quantity
from codegen.report.budget import KEYS, gate, parse_budget
from codegen.report.energy import Energy, Supply, energy_of, supply_of
from codegen.report.report import Headroom, Report


def made_report() -> Report:
    """Return a report of round figures: 1,000 and 8,000 cycles at 1 MHz."""
    return Report(
        board="made", core="cortex-m4", clock_hz=1_000_000, call="inference", activity="",
        parts=(), flash=30_000, code=2_000, ram=2_000, stack=500, stacks={"step": 500},
        board_flash=65_536, board_ram=20_480, headroom=Headroom(35_536, 54.2, 17_980, 87.8),
        sections=(), memory=(), items=(), instructions=900, worst=7_000, cycles=1_000,
        worst_cycles=8_000, latency_us=1000.0, worst_us=8000.0, fastest=1.0, calls_a_second=None,
        timings="", checked="", waits="",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("text", "limits"),
    [
        ("flash=32K", {"flash": 32_768}),
        ("flash=1M,ram=8K,stack=512", {"flash": 1_048_576, "ram": 8192, "stack": 512}),
        ("ram=1.5K", {"ram": 1536}),
        ("latency=5ms", {"latency": 5000}),
        ("latency=250us, instructions=200000", {"latency": 250, "instructions": 200_000}),
        ("latency=2s", {"latency": 2_000_000}),
        ("latency=7µs", {"latency": 7}),
    ],
)
def test_budgets_are_bytes_and_microseconds(text: str, limits: dict[str, float]) -> None:
    assert parse_budget(text) == limits


SUPPLY = Supply(0.012, 3.3)


@pytest.mark.parametrize(
    ("text", "limit"), [("50nJ", 0.05), ("50uJ", 50), ("2mJ", 2e3), ("1J", 1e6)]
)
def test_a_limit_of_the_energy_is_in_microjoules(text: str, limit: float) -> None:
    assert parse_budget(f"energy={text}", SUPPLY) == {"energy": pytest.approx(limit)}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "one of flash, ram, stack, latency, instructions, energy"),
        ("flash", "found 'flash'; must be KEY=LIMIT"),
        ("flash=32K,", "found ''; must be KEY=LIMIT"),
        ("rom=3K", "found 'rom=3K'; must be KEY=LIMIT with one of flash, ram"),
        ("flash=3K,flash=4K", "flash stands there twice"),
        ("flash=-3K", "flash: found '-3K'; must be a number above 0 alone or with K or M"),
        ("flash=0", "flash: found '0'"),
        ("flash=3KB", "flash: found '3KB'"),
        ("flash=3k", "flash: found '3k'"),
        ("flash=1e3", "flash: found '1e3'"),
        ("flash=inf", "flash: found 'inf'"),
        ("flash=nan", "flash: found 'nan'"),
        ("latency=5", "latency: found '5'; must be a number above 0 with us, ms or s"),
        ("latency=5K", "latency: found '5K'"),
        ("instructions=2K", "must be a number above 0 alone or with k or M"),
        ("energy=5uJ", "energy needs your board's own current"),
        ("ram=" + "9" * 400, "ram: found"),
    ],
)
def test_a_malformed_budget_is_one_clear_line(text: str, words: str) -> None:
    with pytest.raises(ValueError, match="--budget: ") as refused:
        parse_budget(text)
    assert words in str(refused.value)
    assert "\n" not in str(refused.value)


def test_every_key_is_compared_with_its_worst_case() -> None:
    report, energy = made_report(), Energy(SUPPLY, 10.0, 80.0)
    limits = dict.fromkeys(KEYS, 1.0)
    found = {line.name: line.value for line in gate(limits, report, energy)}
    assert found == {"flash": 30_000, "ram": 2_500, "stack": 500, "latency": 8_000.0,
                     "instructions": 7_000, "energy": 80.0}  # fmt: skip


@pytest.mark.parametrize(("limit", "kept"), [(2_499, False), (2_500, True), (2_501, True)])
def test_a_limit_may_be_reached(limit: float, kept: bool) -> None:
    (line,) = gate({"ram": limit}, made_report(), Energy(None))
    assert line.kept is kept
    assert line.unit == "bytes"


def test_energy_is_current_times_voltage_times_time() -> None:
    """12 mA * 3.3 V * 1 ms = 39.6 uJ, and eight times that for 8 ms."""
    energy = energy_of(made_report(), supply_of("12mA", "3.3V"))
    assert energy.typical_uj == pytest.approx(39.6)
    assert energy.worst_uj == pytest.approx(316.8)
    assert energy.to_json() == {
        "formula": "E = I * V * t",
        "amperes": pytest.approx(0.012),
        "volts": 3.3,
        "typical_uj": energy.typical_uj,
        "worst_uj": energy.worst_uj,
    }


def test_without_a_current_there_is_a_formula_and_no_number() -> None:
    found = energy_of(made_report(), supply_of(None, None)).to_json()
    assert found.pop("formula") == "E = I * V * t"
    assert set(found.values()) == {None}


@pytest.mark.parametrize(
    ("current", "voltage", "words"),
    [
        ("12mA", None, "--voltage is missing"),
        (None, "3.3V", "--current is missing"),
        ("12", "3.3V", "--current: found '12'; must be a number above 0 with nA, uA, mA or A"),
        ("12mA", "3.3", "--voltage: found '3.3'; must be a number above 0 with mV or V"),
        ("-12mA", "3.3V", "--current: found '-12mA'"),
        ("0mA", "3.3V", "--current: found '0mA'"),
        ("12mV", "3.3V", "--current: found '12mV'"),
        ("12MA", "3.3V", "--current: found '12MA'"),
    ],
)
def test_a_supply_that_is_none_is_one_clear_line(
    current: str | None, voltage: str | None, words: str
) -> None:
    with pytest.raises(ValueError, match="such as") as refused:
        supply_of(current, voltage)
    assert words in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("value", "units", "text"),
    [
        (0.012, AMPERES, "12 mA"),
        (0.9e-9, AMPERES, "0.9 nA"),
        (152.8, MICROJOULES, "152.8 uJ"),
        (999.99, MICROJOULES, "1000 uJ"),
        (12_345_678_900, MICROJOULES, "12,346 J"),
        (0.5, MICROJOULES, "500 nJ"),
        (1536, BYTES, "1.5 K"),
    ],
)
def test_numbers_are_shown_in_a_unit_that_fits(
    value: float, units: dict[str, float], text: str
) -> None:
    assert in_units(value, units) == text


def test_spaces_around_a_quantity_are_no_error() -> None:
    assert quantity("x", " 3 K ", BYTES, "3K") == 3072
