"""Small faults, planted one at a time: what a slip of the hand would do to a template or a table.

A mutant changes one place of one line: an operator, a constant by one, the two words of a plane, a
statement that is left out, an opcode. Comments and preprocessor lines are left alone.
"""

from __future__ import annotations

import hashlib
import io
import re
import tokenize
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from codegen.kernels import pack
from codegen.kernels.neurons import plan as neurons

PACKAGE = Path(pack.__file__).parents[1]
SOURCES = (
    *sorted(PACKAGE.glob("render/*.c.j2")),
    *sorted(PACKAGE.glob("kernels/**/*.c.j2")),
    Path(pack.__file__),
    Path(neurons.__file__),
)
"""What is mutated: what decides what the generated C computes: templates, packing, schedules."""

OPERATORS = {
    "&": "|", "|": "&", "^": "|", "+": "-", "-": "+", "<<": ">>", ">>": "<<", "<": "<=",
    "<=": "<", ">": ">=", ">=": ">", "==": "!=", "!=": "==", "&=": "|=", "|=": "&=", "^=": "|=",
    "+=": "-=", "-=": "+=", ">>=": "<<=", "&&": "||", "||": "&&", "*": "+",
}  # fmt: skip
"""A binary operator and what takes its place; all stand between blanks."""

OPCODES = {
    "eor": "orr", "orr": "and", "bic": "and", "add": "sub", "adds": "subs", "sub": "add",
    "subs": "adds", "lsl": "lsr", "lsr": "lsl", "lsls": "lsrs", "lsrs": "lsls", "beq": "bne",
    "bne": "beq", "eors": "orrs", "orrs": "ands", "bics": "ands", "veor": "vorr", "vbic": "vand",
    "vorr": "vand", "uxtah": "uxtab", "blo": "bls", "bhs": "bhi",
}  # fmt: skip
"""An instruction and another one."""

C_COMMENT = re.compile(
    r"#ifdef MODEL_ANALYSIS.*?#else|/\*.*?\*/|\{#.*?#\}|^[ \t]*#.*?$|^ \* .*?$|//.*?$",
    re.DOTALL | re.MULTILINE,
)
"""The header's comment comes from several files: a line of it begins with an asterisk. Loops that
only an analysis sees are in no program; tests/analysis shows that they give the same."""
JINJA = re.compile(r"\{[{%].*?[%}]\}")
STATEMENT = re.compile(
    r"^(\s*)(?=\S)(?!return|\*|\w+ \w|#)[\w\[\](){}*>.&' ~+-]+ (=|\^=|\|=|&=|\+=|-=) .*;$"
)
LINE_RULES: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"~(?=[\w(])"), ""),
    (re.compile(r"\[0\]"), "[1]"),
    (re.compile(r"\[1\]"), "[0]"),
)
NUMBER = re.compile(r"(?<![\w.])(\d+)(?=u\b)|(?<=#)(\d+)(?=[\\,\]}])")


@dataclass(frozen=True)
class Mutant:
    """One changed line. `number` counts from 0; `path` is below the package codegen."""

    path: str
    number: int
    before: str
    after: str
    twin: int

    @property
    def key(self) -> str:
        """What names it as long as its own line stays as it is, wherever that line is."""
        text = "\n".join((self.path, self.before.strip(), self.after.strip(), str(self.twin)))
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    def text(self) -> str:
        """Return the whole file with the fault."""
        lines = (PACKAGE / self.path).read_text().split("\n")
        assert lines[self.number] == self.before
        lines[self.number] = self.after
        return "\n".join(lines)


def _spliced(line: str, start: int, stop: int, new: str) -> str:
    return line[:start] + new + line[stop:]


def _c_changes(line: str) -> Iterator[str]:
    """Yield every changed form of a line of C, Jinja or assembly."""
    jinja = [match.span() for match in JINJA.finditer(line)]
    for match in re.finditer(r"(?<= )(\S{1,3})(?= )", line):
        filters = match[1] == "|" and any(a < match.start() < b for a, b in jinja)
        if match[1] in OPERATORS and not filters:
            yield _spliced(line, *match.span(1), OPERATORS[match[1]])
    for pattern, new in LINE_RULES:
        for match in pattern.finditer(line):
            yield _spliced(line, *match.span(), new)
    for match in NUMBER.finditer(line):
        digits = match[1] or match[2]
        yield _spliced(line, *match.span(), str(int(digits) + 1))
        if int(digits):
            yield _spliced(line, *match.span(), str(int(digits) - 1))
    if '"' in line:
        for match in re.finditer(r'(?<=["n])([a-z]+)(?= )', line):
            if match[1] in OPCODES:
                yield _spliced(line, *match.span(1), OPCODES[match[1]])
    if match := STATEMENT.match(line):
        yield f"{match[1]};"


def _python_changes(source: str) -> Iterator[tuple[int, str]]:
    """Yield (line, changed line) of Python: operators, and whole numbers by one."""
    lines = source.split("\n")
    inside = False  # a signature's colons and defaults stay
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        (row, start), (_, stop) = token.start, token.end
        line = lines[row - 1]
        inside = line.lstrip().startswith("def ") or (inside and not line.endswith(":"))
        if inside or row != token.end[0]:
            continue
        if token.type == tokenize.OP and token.string in OPERATORS and line[start - 1] == " ":
            yield row - 1, _spliced(line, start, stop, OPERATORS[token.string])
        if token.type == tokenize.NUMBER and token.string.isdigit():
            yield row - 1, _spliced(line, start, stop, str(int(token.string) + 1))


def _template_changes(source: str) -> Iterator[tuple[int, str]]:
    """Yield (line, changed line) of a template, comments left out."""
    blank = C_COMMENT.sub(lambda m: re.sub(r"[^\n]", "\0", m[0]), source)
    for number, (line, code) in enumerate(zip(source.split("\n"), blank.split("\n"), strict=True)):
        if "\0" not in code and '{{ " " * (' not in line:  # that only indents
            for changed in _c_changes(line):
                yield number, changed


def mutants_of(path: Path) -> Iterator[Mutant]:
    """Yield every mutant of a file, each once."""
    source = path.read_text()
    lines = source.split("\n")
    changes = _python_changes if path.suffix == ".py" else _template_changes
    seen: dict[tuple[str, str], int] = {}
    done = set()
    for number, after in changes(source):
        if after == lines[number] or (number, after) in done:
            continue
        done.add((number, after))
        pair = (lines[number].strip(), after.strip())
        seen[pair] = seen.get(pair, -1) + 1
        yield Mutant(str(path.relative_to(PACKAGE)), number, lines[number], after, seen[pair])


def all_mutants(sources: Iterable[Path] = SOURCES) -> list[Mutant]:
    """Return every mutant of everything, in an order that has nothing to do with where it is."""
    found = [mutant for path in sources for mutant in mutants_of(path)]
    return sorted(found, key=lambda mutant: mutant.key)
