"""The table of verbs: names, arguments, and where the work is done."""

from codegen.cli.verbs import boards, models, networks
from codegen.cli.verbs.table import Verb

__all__ = ["VERBS", "Verb"]

VERBS: tuple[Verb, ...] = (*networks.VERBS, *models.VERBS, *boards.VERBS)
