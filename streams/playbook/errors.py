"""Errors of a playbook: path, message, offset."""


class RuleError(Exception):
    """One mistake. `where` is its path in the playbook, such as `match[3].topic`; `offset`, where
    known, counts the characters from the beginning of the text written there."""

    def __init__(self, where: str, message: str, offset: int | None = None) -> None:
        super().__init__(f"{where}: {message}")
        self.where = where
        self.message = message
        self.offset = offset


class RuleErrors(Exception):  # noqa: N818 - several of the one above
    """Every mistake of a playbook, at least one, in the order in which they were found."""

    def __init__(self, errors: tuple[RuleError, ...]) -> None:
        super().__init__("; ".join(str(error) for error in errors))
        self.errors = errors
