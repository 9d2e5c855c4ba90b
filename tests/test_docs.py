"""README and docs say what is so: their Python runs, their commands parse, and nothing in the library goes unmentioned."""

import importlib
import re
import shlex
from pathlib import Path

import pytest
import typer.main
from typer.testing import CliRunner

import fastecg
from fastecg.artifacts import ARTIFACTS
from fastecg.cli import app
from fastecg.layouts import LAYOUTS
from fastecg.recipe import RECIPES
from fastecg.styles import STYLES

ROOT = Path(__file__).parent.parent
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").glob("*.md")])
FORMS = list((ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml"))
COMMANDS = typer.main.get_command(app).commands


def blocks(page, *languages):
    return re.findall(rf"^```(?:{'|'.join(languages)})\n(.*?)^```", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("page", [page for page in PAGES if blocks(page, "python")], ids=lambda page: page.name)
def test_python_runs(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = {}
    for code in blocks(page, "python"):
        exec(compile(code, page.name, "exec"), names)
    assert names


def fastecg_calls(text):
    for line in text.replace("\\\n", " ").splitlines():
        for part in re.split(r"\||&&|;|>", line.split(" #")[0]):
            words = shlex.split(part)
            if words and words[0].endswith("fastecg"):
                yield words[1:]


@pytest.mark.parametrize("page", [page for page in PAGES if blocks(page, "bash", "sh")], ids=lambda page: page.name)
def test_commands_exist_with_their_options(page):
    for text in blocks(page, "bash", "sh"):
        for command, *words in fastecg_calls(text):
            if command.startswith("-"):
                continue
            assert command in COMMANDS, f"{page.name}: fastecg {command}"
            options = {option for parameter in COMMANDS[command].params for option in (*parameter.opts, *parameter.secondary_opts)}
            for word in words:
                if word.startswith("-"):
                    assert word.split("=")[0] in options | {"--help", "-h"}, f"{page.name}: fastecg {command} {word}"


def section(page, title):
    return re.search(rf"^## {title}\n(.*?)(?=^## |\Z)", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)[1]


def test_data_sets_leads_from_an_empty_folder_to_other_formats(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    told = "\n".join(section(ROOT / "docs" / "data-sets.md", title) for title in ("Records", "A run", "Other formats"))
    calls = [words for text in re.findall(r"^```sh\n(.*?)^```", told, re.MULTILINE | re.DOTALL) for words in fastecg_calls(text)]
    assert len(calls) == 10
    for words in calls:
        result = CliRunner().invoke(app, ["1" if word == "3" else word for word in words])  # three persons of each rhythm are two more
        assert result.exit_code == 0, (words, result.output)
        if words[0] == "simulate":  # and two of the rhythms are enough
            for path in (tmp_path / "records").iterdir():
                if not path.name.startswith(("sinus-normal", "atrial")):
                    path.unlink()
    for made in ("inspect.html", "run.json", "manifest.jsonl", "sinus-normal-0-0.mask.png", "sinus-normal-0.hea"):
        assert (tmp_path / "out" / made).is_file(), made
    for made in ("coco/annotations/train.json", "yolo/data.yaml", "nnUNet_raw/Dataset500_ECG/dataset.json", "hub/train/metadata.jsonl"):
        assert (tmp_path / made).is_file(), made


@pytest.mark.parametrize("page", [ROOT / "README.md", ROOT / "docs" / "guide.md"], ids=lambda page: page.name)
def test_commands_of_a_page_do_not_stand_in_one_another_s_way(page):
    """Runs of other options into one folder are refused; what is inspected or read back has been made before."""
    folders = {}
    for text in blocks(page, "bash", "sh"):
        for command, *words in fastecg_calls(text):
            if command in ("render", "simulate"):
                folder = words[words.index("-o") + 1]
                assert folders.setdefault(folder, words) == words, f"{folder}: {words}"
            elif command in ("inspect", "digitize") and not words[0].startswith(("-", "photo.", "phone")):
                assert words[0].split("/")[0] in folders, words


def mentioned(name, *pages):
    text = "\n".join((ROOT / page).read_text(encoding="utf-8") for page in pages)
    return re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", text)


def test_every_style_layout_and_artifact_is_in_the_gallery():
    shown = (*STYLES, *LAYOUTS, *(kind.__name__ for kind in ARTIFACTS))
    missing = [name for name in shown if not mentioned(name, "docs/gallery.md")]
    assert not missing, f"run tools/make_gallery.py: {missing}"


def test_every_recipe_and_artifact_is_in_the_docs():
    missing = [name for name in (*RECIPES, *(kind.__name__ for kind in ARTIFACTS)) if not mentioned(name, "docs/recipes.md")]
    assert not missing, missing


def test_every_command_is_in_the_docs():
    pages = [str(page.relative_to(ROOT)) for page in PAGES]
    missing = [name for name in COMMANDS if not mentioned(f"fastecg {name}", *pages)]
    assert not missing, missing


def test_the_citation_is_of_this_version():
    text = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert re.search(r"^version: (\S+)$", text, re.MULTILINE)[1] == fastecg.__version__


@pytest.mark.parametrize("path", ["CITATION.cff", *sorted(f".github/ISSUE_TEMPLATE/{path.name}" for path in FORMS)])
def test_files_that_sites_read_are_valid_yaml(path):
    told = pytest.importorskip("yaml").safe_load((ROOT / path).read_text(encoding="utf-8"))
    if path == "CITATION.cff":
        assert {"cff-version", "message", "title", "authors"} <= set(told)
    elif not path.endswith("config.yml"):
        assert {"name", "description", "body"} <= set(told)
        for item in told["body"]:
            assert item["type"] in ("markdown", "textarea")
            assert "label" in item["attributes"] or "value" in item["attributes"]


def test_sections_that_scripts_write(monkeypatch):
    """Each has a beginning and an end; writing one changes nothing else, and one that is missing is not made up."""
    monkeypatch.syspath_prepend(ROOT / "tools")
    with_section = importlib.import_module("sections").with_section
    count = 0
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        for name in re.findall(r"<!-- end of (.+?) -->", text):
            head, rest = text.split(f"<!-- {name} -->")
            body, tail = rest.split(f"<!-- end of {name} -->")
            assert with_section(text, name, body) == text, f"{page.name}: {name}"
            assert with_section(text, name, r"\1 | new") == f"{head}<!-- {name} -->\n\n\\1 | new\n\n<!-- end of {name} -->{tail}"
            count += 1
    assert count >= 11
    for text in ("", "<!-- a --> <!-- a --> <!-- end of a -->"):
        with pytest.raises(SystemExit, match="no section 'a'"):
            with_section(text, "a", "")


def test_links_and_pictures_are_there():
    for page in PAGES:
        for target in re.findall(r"\]\(([^)#]+?)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
            if "://" not in target:
                assert (page.parent / target).exists(), f"{page.name}: {target}"
