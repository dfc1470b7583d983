"""How RISC-V machine code is read: the stack, what is called, what follows, cycles, faults."""

from __future__ import annotations

import pytest

from codegen.base.errors import BuildError
from codegen.isa import RISCV, timing
from codegen.isa.architecture import POINTER
from codegen.isa.code import Function, Instruction
from codegen.target.stack import deepest, frame_of

CODE = """
80000000 <pair>:
80000000:\tadd\tsp,sp,-32
80000002:\tsw\tra,28(sp)
80000004:\tbeqz\ta0,8000000c <pair+0xc>
80000006:\tadd\tsp,sp,-16
80000008:\tadd\tsp,sp,16
8000000c:\tjal\t80000020 <leaf>
80000010:\tlw\tra,28(sp)
80000012:\tadd\tsp,sp,32
80000014:\tret

80000020 <leaf>:
80000020:\tadd\tsp,sp,-16
80000022:\tsw\tsp,0(a0)
80000024:\tadd\tsp,sp,16
80000026:\tret

80000030 <large>:
80000030:\tlui\tt0,0xfffff
80000034:\tadd\tt0,t0,-488 # ffffee18 <nothing+0x18>
80000038:\tadd\tsp,sp,t0
8000003a:\tj\t80000020 <leaf>

80000040 <small>:
80000040:\tli\tt0,-600
80000044:\tadd\tsp,sp,t0
80000046:\tli\tt0,600
8000004a:\tadd\tsp,sp,t0
8000004c:\tret

80000050 <far>:
80000050:\tadd\tsp,sp,-16
80000052:\tauipc\tra,0x12
80000056:\tjalr\t-50(ra) # 80000020 <leaf>
8000005a:\tret

80000060 <again>:
80000060:\tadd\tsp,sp,-16
80000062:\tjal\t80000060 <again>

80000068 <pointer>:
80000068:\tadd\tsp,sp,-16
8000006a:\tjalr\ta5
8000006c:\tret

80000070 <table>:
80000070:\tadd\ta5,a5,a4
80000072:\tjr\ta5

80000078 <loop>:
80000078:\tadd\tsp,sp,-4
8000007a:\tbnez\ta0,80000078 <loop>
8000007c:\tret

80000080 <moved>:
80000080:\tmv\tsp,s0
80000082:\tret

80000084 <array>:
80000084:\tsub\tsp,sp,a5
80000086:\tret

80000088 <millicode>:
80000088:\tjal\tt0,80000020 <leaf>
8000008c:\tret
"""
FUNCTIONS = RISCV.parse(CODE)


@pytest.mark.parametrize(
    ("name", "depth"),
    [("leaf", 16), ("pair", 48), ("large", 4584 + 16), ("small", 600), ("far", 32)],
)
def test_depth_follows_every_path(name: str, depth: int) -> None:
    assert deepest(FUNCTIONS, name, RISCV) == depth


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("again", "calls itself"),
        ("pointer", "not in the program"),
        ("table", "not in the program"),
        ("loop", "pushes in a loop"),
        ("moved", r"cannot follow `mv sp,s0`"),
        ("array", r"cannot follow `sub sp,sp,a5`"),
        ("millicode", "it may move sp"),
    ],
)
def test_what_has_no_bound_is_an_error(name: str, reason: str) -> None:
    with pytest.raises(BuildError, match=reason):
        deepest(FUNCTIONS, name, RISCV)


def test_a_remark_is_a_target_for_jumps_alone() -> None:
    (lui, add, _, jump), far = FUNCTIONS["large"].code, FUNCTIONS["far"]
    assert (lui.target, add.target, jump.target) == (None, None, 0x80000020)
    assert RISCV.called(FUNCTIONS["large"], jump) == 0x80000020
    assert RISCV.called(far, far.code[2]) == 0x80000020
    assert RISCV.called(FUNCTIONS["pointer"], FUNCTIONS["pointer"].code[1]) == POINTER
    assert frame_of(FUNCTIONS["pair"], RISCV).own == 48


def test_cycles_are_those_of_the_class() -> None:
    known, function = timing("rv32imc"), Function("f")
    assert known.source
    for text, jumped, cycles in (
        ("lbu a0,0(a1)", False, known.load),
        ("sw a0,0(a1)", False, known.store),
        ("mul a0,a1,a2", False, known.multiply),
        ("remu a0,a1,a2", False, known.divide),
        ("sltu a0,a1,a2", False, known.alu),
        ("bnez a0,80000000", False, known.alu),
        ("bnez a0,80000000", True, known.taken),
        ("jal 80000020", True, known.call),
        ("ret", True, known.back),
        ("j 80000020", True, known.taken),
    ):
        name, _, operands = text.partition(" ")
        assert RISCV.cycles(Instruction(0, name, operands), jumped, known) == cycles, text
    assert RISCV.part(Instruction(0, "li", "a0,13")) == 13
    assert not function.code


def test_a_stack_that_was_used_up_is_told() -> None:
    assert RISCV.causes({"sp": 0x803FFFF0, "stack": 0x80400000}) == ["stack overflow"]
    assert RISCV.causes({"sp": 0x80400010, "stack": 0x80400000}) == []
    assert RISCV.exception({"exception": 2}) == "illegal instruction"
