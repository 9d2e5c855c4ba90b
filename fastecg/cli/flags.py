"""Flags of the command line for options: one for every field of an options class, with its help text."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import Field
from pathlib import Path
from typing import Annotated, Any, TypeVar, cast

import typer

from fastecg.cli.group import listed
from fastecg.errors import FastecgError
from fastecg.options import Flag, fields_of

F = TypeVar("F", bound=Callable[..., Any])

#: Types of the values of flags, by the first word of the field's annotation. Flags of other fields have strings, see `_parameter`.
_TYPES: dict[str, Any] = {"int": int | None, "float": float | None, "bool": bool}


def with_flags(kind: Callable[..., Any]) -> Callable[[F], F]:
    """A decorator that gives a command with ``**given`` a flag for every field of an options class, except those for Python only."""

    def decorate(command: F) -> F:
        # Typer reads the flags of a command from its signature and annotations.
        hints = inspect.get_annotations(command, eval_str=True)
        declared = [each for each in inspect.signature(command).parameters.values() if each.kind is not inspect.Parameter.VAR_KEYWORD]
        declared = [each.replace(annotation=hints[each.name], kind=inspect.Parameter.KEYWORD_ONLY) for each in declared]
        flags = [_parameter(item) for item in fields_of(kind) if item.metadata["flag"]]
        command.__signature__ = inspect.Signature([*declared, *flags])  # type: ignore[attr-defined]
        command.__annotations__ = {each.name: each.annotation for each in [*declared, *flags]} | {"return": None}
        return command

    return decorate


def _parameter(item: Field[Any]) -> inspect.Parameter:
    """The parameter of a command from which Typer makes the flag of a field."""
    flag: Flag = item.metadata["flag"]
    is_list, in_python = "Sequence" in str(item.type), cast("Any", item.default)
    # A flag that names a file has a path, whose content becomes the option. A list is one string, with commas between its values.
    kind = Path | None if flag.of_file else str if is_list else _TYPES.get(str(item.type).split(" ")[0], str | None)
    default = None if flag.of_file else ",".join(in_python or ()) if is_list else bool(in_python) if kind is bool else in_python
    default_in_words = f" [default: {flag.default}]" if flag.default else ""
    option = typer.Option(
        f"--{flag.name or item.name.replace('_', '-')}",
        help=item.metadata["text"] + default_in_words,
        metavar=flag.metavar,
        rich_help_panel=item.metadata["group"],
        show_default=default is not None and default is not False and default != "",
    )
    return inspect.Parameter(item.name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=Annotated[kind, option])


def read_flags(kind: Callable[..., Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """The options as the options class takes them, from the values `given` by Typer. Files that flags name are read."""
    from fastecg.handwriting import read_font, read_notes

    known = {item.name: item for item in fields_of(kind) if item.metadata["flag"]}
    options = {name: _listed(item, given[name]) if "Sequence" in str(item.type) else given[name] for name, item in known.items()}
    options["shard"] = _parsed_shard(given["shard"])
    options["header_text"] = _lines_of(given["header_text"])
    font = options["notes_font"] = None if given["notes_font"] is None else read_font(given["notes_font"])
    options["notes"] = () if given["notes"] is None else read_notes(given["notes"], font)
    return options


def _listed(item: Field[Any], text: Any) -> Any:
    """The values in a text, which are separated by commas; for an empty text the field's default. Other values are returned as given."""
    return (listed(text) or item.default) if isinstance(text, str) else text


def _parsed_shard(text: str | None) -> tuple[int, int] | None:
    """The two numbers of a shard: (2, 8) for ``"2/8"``; None if no shard is given."""
    if text is None:
        return None
    k, slash, n = text.partition("/")
    if not (slash and k.isdecimal() and n.isdecimal()):
        raise FastecgError(f"the shard is {text!r}, expected K/N such as 2/8")
    return int(k), int(n)


def _lines_of(path: Path | None) -> tuple[str, ...]:
    """The lines of a text file that are not empty, without space around them; no lines if no file is given."""
    from fastecg.recipes.limits import MOST_HEADER_LINES, check_lines
    from fastecg.system.files import read_text

    if path is None:
        return ()
    try:
        lines = read_text(path).splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise FastecgError(f"{path}: cannot be read as text ({error})") from None
    kept = tuple(line.strip() for line in lines if line.strip())
    check_lines(kept, "header lines", MOST_HEADER_LINES)
    return kept
