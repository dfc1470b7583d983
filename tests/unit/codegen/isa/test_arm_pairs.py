"""Two instructions a cycle: what goes together, and what waits for what, on short programs."""

import pytest

from codegen import isa
from codegen.isa.arm import ARM
from codegen.isa.code import Instruction

M7 = isa.timing("cortex-m7")


def cycles(*program: str, jumped: bool = False) -> float:
    """Return what lines take; jumped: the last one does."""
    clock = ARM.clock(M7)
    code = [Instruction(2 * i, *line.split(maxsplit=1)) for i, line in enumerate(program)]
    return sum(clock.takes(one, jumped and one is code[-1]) for one in code)


@pytest.mark.parametrize(
    ("program", "taken"),
    [
        (("eors r0, r1", "eors r2, r3"), 1),  # two that know nothing of each other
        (("eors r0, r1", "eors r0, r2"), 2),  # the second reads what the first gives
        (("eors r0, r1", "eors r2, r3", "eors r4, r5"), 2),
        (("add r0, r1, r2", "eor r3, r0, r4"), 1),  # a sum of the early stage, used by the late one
        (("eor r0, r1, r2", "add r3, r0, r4"), 2),
        (("add r0, r1, r2", "ldr r3, [r0, #0]"), 2),  # or as an address a cycle later,
        (("add r5, r6, r7", "add r0, r1, r2", "ldr r3, [r0, #0]"), 3),  # not in second place
        (("lsls r0, r1, #3", "eors r0, r2"), 1),  # shifts are early in either place
        (("eor r0, r1, r2, lsl #3", "eor r3, r4, r5, lsl #3"), 2),  # one shifter
        (("eor r0, r1, r2", "eors r6, r7", "eor r3, r4, r0, lsl #3"), 3),  # wanted a cycle earlier
        (("ldr r0, [r1, #0]", "eors r2, r3"), 1),
        (("ldr r0, [r1, #0]", "adds r0, r0, r3"), 2),  # a word is there in the next cycle,
        (("ldrb r0, [r1, #0]", "adds r0, r0, r3"), 3),  # a byte one later,
        (("ldr r0, [r1, #0]", "ldr r2, [r0, #0]"), 3),  # for an address another one later
        (("ldr r0, [r1, #0]", "str r0, [r2, #0]"), 1),  # stored in the same cycle
        (("str r0, [r1, #0]", "str r2, [r3, #0]"), 2),
        (("ldr r0, [r1, #0]", "ldr r2, [r3, #0]"), 1),
        (("ldr r0, [r1], #4", "ldr r2, [r1], #4"), 2),  # the address moves on
        (("mul r0, r1, r2", "eors r3, r4"), 1),
        (("mul r0, r1, r2", "adds r0, r0, r3"), 3),
        (("mul r0, r1, r2", "mul r3, r4, r5"), 2),
        (("mul r0, r1, r2", "mla r0, r3, r4, r0"), 2),  # what is added to is needed late
        (("uxtb r0, r1", "eors r2, r3"), 1),
        (("eors r2, r3", "uxtb r0, r1"), 2),  # only in front
        (("ldmia r0!, {r1, r2, r3}", "eors r4, r5"), 3),  # alone, two words a cycle
        (("push {r4-r7, lr}",), 3),
        (("ldrd r2, r3, [r0, #8]", "eors r4, r5"), 2),
        (("adds r0, r1, r2", "adcs r3, r4"), 2),  # the carry
        (("movw r0, #16", "movt r0, #32"), 1),
        (("udiv r0, r1, r2", "eors r3, r4"), 13),
    ],
)
def test_pairs(program: tuple[str, ...], taken: float) -> None:
    assert cycles(*program) == taken


def test_nothing_goes_beside_what_a_branch_leaves_behind() -> None:
    assert cycles("subs r0, #1", "bne 10 <x>", jumped=True) == 1
    clock = ARM.clock(M7)
    clock.takes(Instruction(0, "bne", "10 <x>"), True)
    assert clock.takes(Instruction(16, "eors", "r0, r1"), False) == 1


def test_only_a_core_of_two_pipes_is_followed_so() -> None:
    pair = (Instruction(0, "eors", "r0, r1"), Instruction(2, "eors", "r2, r3"))
    clock = ARM.clock(isa.timing("cortex-m4"))
    assert sum(clock.takes(one, False) for one in pair) == 2
