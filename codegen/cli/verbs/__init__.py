"""The table of verbs: for each its name, its texts, its options, and where the work is done."""

from __future__ import annotations

from codegen.cli.verbs.boards import BOARDS
from codegen.cli.verbs.code import CODE
from codegen.cli.verbs.models import MODELS
from codegen.cli.verbs.networks import NETWORKS
from codegen.cli.verbs.verb import Verb

VERBS: tuple[Verb, ...] = (*NETWORKS, *MODELS, *CODE, *BOARDS)
