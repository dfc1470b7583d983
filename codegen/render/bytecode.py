"""Compiled templates in the user's cache: reading one takes a thirtieth of compiling it.

A cache may be lost, full of other things or damaged: what is in it counts only if it has the
digest that it begins with, and its name tells the template's text and what compiled it. So what
is generated never depends on it.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import sys
from pathlib import Path

import jinja2
from jinja2.bccache import Bucket, BytecodeCache

from codegen.base.paths import cache_dir
from codegen.base.version import __version__
from qat.machine.cache import NoCacheError

FOLDER = "templates"
DIGEST = 32
"""Bytes of a SHA-256."""


class TemplateCache(BytecodeCache):
    """A file for each compiled template; without a folder to write to, it keeps nothing."""

    def load_bytecode(self, bucket: Bucket) -> None:
        """Take a template's code from its file, if the file is whole."""
        try:
            data = _path(bucket).read_bytes()
        except (OSError, NoCacheError):  # not there; no home that a cache could lie in
            return
        if data[:DIGEST] == hashlib.sha256(data[DIGEST:]).digest():
            bucket.bytecode_from_string(data[DIGEST:])

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Write a template's code to its file, whole or not at all."""
        code = bucket.bytecode_to_string()
        try:
            path = _path(bucket)
            path.parent.mkdir(parents=True, exist_ok=True)
            temporary = path.with_name(f".{secrets.token_hex(8)}.tmp")
            temporary.write_bytes(hashlib.sha256(code).digest() + code)
            os.replace(temporary, path)
        except (OSError, NoCacheError):
            return


def _path(bucket: Bucket) -> Path:
    """Return the file of a template: named after its own name, its text and what compiled it.

    Our own version is part of that: a compiled template has what filters make of constants in it.
    """
    env = bucket.environment
    options = (env.trim_blocks, env.lstrip_blocks, env.keep_trailing_newline, env.autoescape)
    names = (env.undefined.__name__, getattr(env.finalize, "__qualname__", ""))
    made_by = f"{__version__} {jinja2.__version__} {sys.version} {options} {names}"
    text = "\0".join((bucket.key, bucket.checksum, made_by))
    return cache_dir() / FOLDER / hashlib.sha256(text.encode()).hexdigest()[:32]
