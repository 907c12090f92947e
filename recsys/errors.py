"""Every error this product raises on purpose, in one tree.

RecsysError
├── InputError               the caller's fault: HTTP 4xx, exit code 2
│   ├── SchemaError          a table or payload does not have the contract's columns or types
│   ├── UnreadableFileError  a file cannot be read at all (broken footer, unknown format)
│   ├── FilterError          a filter names an unknown field, operator or value type
│   ├── UnsafePathError      a name or link leads outside the folder it belongs in
│   ├── NotFoundError        the named user, item or job does not exist: HTTP 404
│   ├── ConflictError        what was to be changed has been changed meanwhile: HTTP 409
│   └── BudgetSpentError     a release would tell more about people than the shop allows
├── ConfigError              a setting is missing, unknown or contradicts another: exit code 2
├── EncoderError             an encoder folder is refused or cannot be loaded
├── SignatureError           a manifest is not signed, or not by a trusted key, or not as it is
├── IndexVersionError        something is wrong with an index version
│   ├── IndexMissingError    no such index version, or no version was published yet
│   ├── IndexCorruptError    a file of a version is absent, altered, truncated or swapped
│   ├── IndexFormatError     a version is of another release, which writes what this one does not read
│   └── GateError            a version is worse than the published one, or not sane
├── StoreError               the event or item store did not accept or answer: HTTP 503
├── AccessError              who calls may not do this
│   ├── UnknownKeyError      no key in force came with the request: HTTP 401
│   └── ScopeError           the key does not open this route: HTTP 403
├── BackupError              a backup is damaged, foreign or incomplete; nothing was restored
├── OverloadedError          more work than the service takes now: HTTP 429 with Retry-After
│   └── QuotaError           a key has no request left for the day: HTTP 429 until midnight UTC
├── ServiceError             a call of recsys.client got no answer; the kinds are drawn there
└── CapacityError            the cluster is too small for what was asked of it
"""

from __future__ import annotations

from typing import Any, ClassVar


class RecsysError(Exception):
    """What went wrong, what was expected, what was found, and where; and what to do next.

    The parts stay available as attributes so that an HTTP edge can put them in separate JSON fields;
    `str(error)` joins the first four that are set into one sentence. The `hint` is for people at a
    command line: that of the error itself, else its kind's, else empty.
    """

    HINT: ClassVar[str] = ""
    """What helps with most errors of a kind."""

    def __init__(
        self, what: str, *, expected: str = "", found: str = "", where: str = "", hint: str = ""
    ) -> None:
        self.what, self.expected, self.found, self.where = what, expected, found, where
        self.hint = hint or self.HINT
        parts = [what]
        parts += [f"expected {expected}"] if expected else []
        parts += [f"found {found}"] if found else []
        parts += [f"in {where}"] if where else []
        super().__init__("; ".join(parts))

    def __reduce__(self) -> tuple[Any, ...]:
        """Errors cross process borders on Ray; keyword-only parts need an explicit recipe."""
        return (_rebuild, (type(self), self.what, self.expected, self.found, self.where, self.hint))


def _rebuild(
    kind: type[RecsysError], what: str, expected: str, found: str, where: str, hint: str
) -> RecsysError:
    return kind(what, expected=expected, found=found, where=where, hint=hint)


class InputError(RecsysError):
    """The caller sent something this product cannot accept."""


class SchemaError(InputError):
    """A table or payload does not have the contract's columns or types."""


class BudgetSpentError(InputError):
    """A release would tell more about people than the shop's privacy budget allows."""

    HINT = "recsys privacy ledger shows what was spent; privacy.json has the budget"


class UnreadableFileError(InputError):
    """A file cannot be read at all."""

    HINT = "Parquet, CSV and JSON Lines are read, also .gz; the file may be cut off or have another ending"


class FilterError(InputError):
    """A filter names an unknown field, operator or value type."""


class UnsafePathError(InputError):
    """A name or link leads outside the folder it belongs in; nothing was opened."""


class NotFoundError(InputError):
    """The named user, item or job does not exist."""


class ConflictError(InputError):
    """What was to be changed has been changed meanwhile."""


class ConfigError(RecsysError):
    """A setting is missing, unknown or contradicts another."""


class EncoderError(RecsysError):
    """An encoder folder is refused or cannot be loaded."""


class SignatureError(RecsysError):
    """A manifest is not signed, not by a trusted key, or not as it is now; nothing of it is believed."""

    HINT = "recsys signing-keys show tells which keys are trusted here"


class IndexVersionError(RecsysError):
    """Something is wrong with an index version."""


class IndexMissingError(IndexVersionError):
    """No such index version, or none was published yet."""

    HINT = "recsys status lists the versions; recsys embed makes the first one"


class IndexCorruptError(IndexVersionError):
    """A file of an index version is absent, altered, truncated or swapped."""

    HINT = "recsys rollback goes back to the version before; recsys embed builds a new one"


class IndexFormatError(IndexVersionError):
    """A version is of another release, which writes what this one does not read."""

    HINT = "recsys embed, with the same options as before, builds one of this release; then recsys fit"


class GateError(IndexVersionError):
    """A version is worse than the published one, or not sane; the published one stays."""

    HINT = "recsys status shows what is published; --force publishes in spite of it"


class StoreError(RecsysError):
    """The event or item store did not accept the write or answer the read."""

    HINT = "recsys doctor examines the database"


class AccessError(RecsysError):
    """Who calls may not do this."""


class UnknownKeyError(AccessError):
    """No key in force came with the request."""


class ScopeError(AccessError):
    """The key does not open this route."""


class BackupError(RecsysError):
    """A backup is damaged, foreign or incomplete; nothing was restored from it."""

    HINT = "nothing was changed; try another backup"


class OverloadedError(RecsysError):
    """More work arrived than the service takes now; try again later."""


class QuotaError(OverloadedError):
    """A key has made all requests of its day; midnight UTC brings new ones."""


class CapacityError(RecsysError):
    """The cluster is too small for what was asked of it."""

    HINT = "recsys doctor tells what the machine has; ask for fewer or smaller actors"
