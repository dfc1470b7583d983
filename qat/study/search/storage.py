"""Where workers share a search: a journal file, or a database by its URL. Optuna keeps it."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qat.model.atomic import require_no_file

if TYPE_CHECKING:
    from optuna import Study
    from optuna.storages import BaseStorage

SETTINGS = "settings"
"""The attribute of a study that says what it searches."""


JOURNAL = b'{"op_code":'
"""How the first line of a journal begins."""

DRIVERS = {"postgresql": "postgresql+psycopg", "postgres": "postgresql+psycopg"}
"""The driver of a database, where SQLAlchemy's own choice depends on its version."""

PACKAGES = {"psycopg": "'psycopg[binary]>=3.2,<4'"}


def require_optuna() -> None:
    """Raise ValueError, with what to do, without Optuna."""
    try:
        import optuna  # noqa: F401, PLC0415  # an extra
    except ImportError:
        raise ValueError(
            "optuna is missing; a search needs it: pip install 'optuna>=5,<6'"
        ) from None


def be_quiet() -> None:
    """Keep Optuna's own lines, and its warnings about what is experimental, from the user."""
    import optuna  # noqa: PLC0415  # an extra

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    warnings.filterwarnings("ignore", category=optuna.exceptions.ExperimentalWarning)


def opened(where: str) -> BaseStorage:
    """Return the storage at a URL, such as postgresql://user@host/name, or in a journal file.

    Raises ValueError for a database that is not there, or whose driver is missing.
    """
    if "://" not in where:
        return _journal(Path(where))
    from optuna.storages import RDBStorage  # noqa: PLC0415  # an extra
    from sqlalchemy.exc import SQLAlchemyError  # noqa: PLC0415  # comes with it

    shown = _without_password(where)
    try:
        return RDBStorage(where, engine_kwargs={"pool_pre_ping": True})
    except ImportError as error:
        driver = "psycopg2-binary" if where.startswith("postgresql") else error.name
        raise ValueError(
            f"--storage {shown}: its driver is missing; pip install {driver}"
        ) from None
    except SQLAlchemyError as error:
        told = str(getattr(error, "orig", None) or error).strip().splitlines()[0]
        raise ValueError(
            f"--storage {shown}: the database does not answer ({told}); start it, or name a "
            "journal file on a folder that all workers share"
        ) from None


def close(storage: BaseStorage) -> None:
    """Close the connections to a database; a journal has none."""
    storage.remove_session()
    if (engine := getattr(storage, "engine", None)) is not None:
        engine.dispose()


def _journal(path: Path) -> BaseStorage:
    from optuna.storages import JournalStorage  # noqa: PLC0415  # an extra
    from optuna.storages.journal import JournalFileBackend  # noqa: PLC0415  # likewise

    if path.is_dir():
        raise ValueError(f"--storage {path}: is a folder; name a file in it")
    require_no_file(path.parent)
    path.parent.mkdir(parents=True, exist_ok=True)
    wrong = f"--storage {path}: is no journal of a search; name another file"
    if not _is_journal(path):
        raise ValueError(wrong)
    try:
        return JournalStorage(JournalFileBackend(str(path)))
    except (ValueError, KeyError, TypeError):
        raise ValueError(wrong) from None


def _is_journal(path: Path) -> bool:
    """Return True for a file that is not there yet, is empty, or begins as a journal does."""
    if not path.exists():
        return True
    if not path.is_file():
        return False
    with path.open("rb") as file:
        start = file.read(len(JOURNAL))
    return start in (b"", JOURNAL)


def _without_password(url: str) -> str:
    """Return a URL as it may be shown."""
    scheme, _, rest = url.partition("://")
    user, at, host = rest.rpartition("@")
    return f"{scheme}://{user.partition(':')[0]}{at}{host}"


def study_of(storage: BaseStorage, name: str, settings: Mapping[str, Any]) -> Study:
    """Return the study of a name, made now if it is not there.

    Raises ValueError if the one that is there searches for something else.
    """
    import optuna  # noqa: PLC0415  # an extra

    be_quiet()
    study = optuna.create_study(
        storage=storage, study_name=name, direction="maximize", load_if_exists=True
    )
    known = study.user_attrs.get(SETTINGS)
    if known is None:
        study.set_user_attr(SETTINGS, dict(settings))
        return study
    for key, value in settings.items():
        if known.get(key) != value:
            raise ValueError(
                f"search {name!r}: the storage has one with {key} {known.get(key)!r}; this one has "
                f"{value!r}; go on with the same, or name another --storage"
            )
    return study
