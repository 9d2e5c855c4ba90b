"""Options as flags: a command gets a flag for every field of an options class, with its text."""

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

#: Types of values, by how the annotation of a field begins; lists are written with commas.
_TYPES: dict[str, Any] = {"int": int | None, "float": float | None, "bool": bool}


def with_flags(kind: Callable[..., Any]) -> Callable[[F], F]:
    """Give a command that takes ``**given`` a flag for every field of an options class that has one."""

    def decorate(command: F) -> F:
        hints = inspect.get_annotations(command, eval_str=True)
        own = [each for each in inspect.signature(command).parameters.values() if each.kind is not inspect.Parameter.VAR_KEYWORD]
        own = [each.replace(annotation=hints[each.name], kind=inspect.Parameter.KEYWORD_ONLY) for each in own]
        made = [_parameter(item) for item in fields_of(kind) if item.metadata["flag"]]
        command.__signature__ = inspect.Signature([*own, *made])  # type: ignore[attr-defined]
        command.__annotations__ = {each.name: each.annotation for each in [*own, *made]} | {"return": None}
        return command

    return decorate


def _parameter(item: Field[Any]) -> inspect.Parameter:
    """A field as Typer takes it."""
    flag: Flag = item.metadata["flag"]
    listing, usual = "Sequence" in str(item.type), cast("Any", item.default)
    kind = Path | None if flag.of_file else str if listing else _TYPES.get(str(item.type).split(" ")[0], str | None)
    default = None if flag.of_file else ",".join(usual or ()) if listing else bool(usual) if kind is bool else usual
    told = f" [default: {flag.default}]" if flag.default else ""
    spelled = typer.Option(
        f"--{flag.name or item.name.replace('_', '-')}",
        help=item.metadata["text"] + told,
        metavar=flag.metavar,
        rich_help_panel=item.metadata["group"],
        show_default=default is not None and default is not False and default != "",
    )
    return inspect.Parameter(item.name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=Annotated[kind, spelled])


def read_flags(kind: Callable[..., Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """The options in the form that Python takes; `given` are the values from Typer."""
    from fastecg.handwriting import read_font, read_notes

    known = {item.name: item for item in fields_of(kind) if item.metadata["flag"]}
    options = {name: _listed(item, given[name]) if "Sequence" in str(item.type) else given[name] for name, item in known.items()}
    options["shard"] = _parsed_shard(given["shard"])
    options["header_text"] = _lines_of(given["header_text"])
    font = options["notes_font"] = None if given["notes_font"] is None else read_font(given["notes_font"])
    options["notes"] = () if given["notes"] is None else read_notes(given["notes"], font)
    return options


def _listed(item: Field[Any], text: Any) -> Any:
    """Several values that are separated by commas; the default of an empty text."""
    return (listed(text) or item.default) if isinstance(text, str) else text


def _parsed_shard(text: str | None) -> tuple[int, int] | None:
    """``"2/8"`` as (2, 8)."""
    if text is None:
        return None
    k, slash, n = text.partition("/")
    if not (slash and k.isdecimal() and n.isdecimal()):
        raise FastecgError(f"the shard is {text!r}, expected K/N such as 2/8")
    return int(k), int(n)


def _lines_of(path: Path | None) -> tuple[str, ...]:
    """The lines of a text file that are not empty."""
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
