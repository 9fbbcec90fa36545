"""Errors a user can meet; each says what happened and, as a hint, what to do.

RecusaError
├── InputError        a prompt or answer file that cannot be read, with file, row and column
├── ConfigError       an experiment file or a setting that makes no sense
├── MissingPackage    a component whose package is not installed
├── ModelError        weights, tokenizer, adapter or template that cannot be used
├── TrainingError     rows that would train nothing, or the wrong thing
├── StoreError        a workspace that cannot be read or written
├── Busy              another run holds the folder
└── TooManyFailures   so many rows failed that no conclusion can be drawn
"""


class RecusaError(Exception):
    """A user's mistake or a broken surrounding: printed in one line with a hint, never as a traceback."""

    exit_code = 2

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class InputError(RecusaError):
    """A prompt or answer file cannot be read; `file`, `row` (1 is the first data row) and `column` say where."""

    def __init__(
        self, problem: str, *, file: object, row: int | None = None, column: str | None = None, hint: str = ""
    ) -> None:
        place = str(file)
        if row is not None:
            place += f", row {row}"
        if column is not None:
            place += f", column `{column}`"
        super().__init__(f"{place}: {problem}", hint)
        self.row = row
        self.column = column


class ConfigError(RecusaError):
    """An experiment file or a setting makes no sense."""


class MissingPackage(RecusaError):
    """A component needs a package that is not installed."""


class ModelError(RecusaError):
    """Weights, tokenizer, adapter or chat template cannot be used."""


class TrainingError(RecusaError):
    """The rows would train nothing, or the wrong thing."""


class StoreError(RecusaError):
    """The workspace cannot be read or written."""


class Busy(RecusaError):
    """Another run holds the folder."""


class TooManyFailures(RecusaError):
    """So many rows failed that no conclusion can be drawn."""

    exit_code = 3
