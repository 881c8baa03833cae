"""What is wrong with texts that hold tokens."""

from __future__ import annotations


class TokenError(ValueError):
    """A text with tokens that cannot be read; the message is a whole sentence."""


class TooLong(TokenError):
    """One record's values make a text too long; those of others may not."""

    @classmethod
    def alone(cls, error: TokenError, count: int) -> None:
        """Raise it again where others come with the record, `count` in all: the engine then tries each for itself."""
        if isinstance(error, cls) and count > 1:
            raise error
