"""Arguments of the command line: lists with commas, columns, and which options go together."""

from __future__ import annotations

from collections.abc import Mapping

from dsmverify.errors import InputError, show


def claim_ids(text: str) -> list[str]:
    """The ids in the value of `--claims`.

    Raises:
        InputError: one between two commas is missing.
    """
    return entries(text, "--claims", "prop02a,thm04", "id", "all claims")


def entries(
    text: str, option: str, example: str, what: str = "name", everything: str = "all of them"
) -> list[str]:
    """What stands between the commas of an option's value.

    Args:
        text: the value.
        option: its name, for the message.
        example: a value that is right.
        what: one entry.
        everything: what one gets without the option.

    Raises:
        InputError: an entry is missing.
    """
    found = [part.strip() for part in text.split(",")]
    if not all(found):
        raise InputError(
            option,
            show(text),
            f"every {what} between commas must be there",
            f"write {option} {example}; leave the option out for {everything}",
        )
    return found


def column_key(text: str | None) -> str | int | None:
    """A column of a file: its number where it is written as one, else its name."""
    return int(text) if text is not None and text.isdecimal() and text.isascii() else text


def refuse_with_data(options: Mapping[str, object]) -> None:
    """Refuse options of the battery's that were given together with data.

    Args:
        options: values by name, None where an option was not given.

    Raises:
        InputError: one was given.
    """
    for name, value in options.items():
        if value is not None:
            raise InputError(
                name,
                show(value) if isinstance(value, int) and not isinstance(value, bool) else "",
                "searches and proofs by boxes belong to the bundled battery",
                f"leave {name} out, or leave out your data",
            )


def refuse_without_data(options: Mapping[str, object]) -> None:
    """Refuse options about the user's data where there is none.

    Args:
        options: values by name, None where an option was not given.

    Raises:
        InputError: one was given.
    """
    for name, value in options.items():
        if value is not None:
            raise InputError(
                name,
                show(value) if isinstance(value, str) else "",
                "the bundled battery brings its own samples and noise levels",
                f"name your data before it, or leave {name} out to check the battery",
            )
