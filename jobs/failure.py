"""What a command says when it ends early, and the exit code it ends with."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from rich.markup import escape

from jobs.console import err
from recsys.errors import ConfigError, InputError, RecsysError

if TYPE_CHECKING:
    from pydantic import ValidationError

DONE, BAD_DATA, WRONG_USE, UNAVAILABLE, STOPPED = 0, 1, 2, 3, 130
EXIT_CODES = (
    "Exit codes: 0 done; 1 done, and something found bad (data, a check, a part); 2 wrong use; "
    "3 something is not available or is refused; 130 stopped by Ctrl-C."
)


class Failure(NamedTuple):
    """One line of what is wrong, one of what to do next where that is known, and an exit code."""

    title: str
    text: str
    hint: str
    code: int


def failure_of(error: Exception) -> Failure | None:
    """How an error is told; None for one that is a fault of this program and needs its traceback."""
    if isinstance(error, InputError | ConfigError):
        return Failure("refused", str(error), error.hint, WRONG_USE)
    if isinstance(error, RecsysError):
        return Failure(type(error).__name__, str(error), error.hint, UNAVAILABLE)
    from pydantic import ValidationError

    if isinstance(error, ValidationError):
        return failure_of(refusal(error))
    if isinstance(error, OSError) and error.filename is not None:
        hint = "look at the path, its owner and the disk; recsys doctor examines a workspace"
        return Failure("not possible", f"{error.strerror}: {error.filename}", hint, UNAVAILABLE)
    return None


def refusal(error: ValidationError) -> ConfigError:
    """Refused settings as an error of ours: which one and why, or how several contradict each other."""
    first = error.errors()[0]
    said = first["msg"].removeprefix("Value error, ")
    if not first["loc"]:
        return ConfigError(said)
    where = ".".join(map(str, first["loc"]))
    return ConfigError(f"{where} is refused", expected=said, found=str(first["input"])[:80])


def tell(failure: Failure) -> None:
    """Print it on stderr; texts of data are never read as markup."""
    err.print(f"[red]{failure.title}:[/red] {escape(failure.text)}")
    if failure.hint:
        err.print(f"[cyan]next:[/cyan] {escape(failure.hint)}")
