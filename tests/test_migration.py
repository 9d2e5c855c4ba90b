"""The table for users of ECG-Image-Kit names all of its options, and nothing here that does not exist."""

import re
from dataclasses import fields
from pathlib import Path

import typer.main

from fastecg.artifacts import ARTIFACTS
from fastecg.cli import app
from fastecg.recipe import RECIPES, Recipe
from fastecg.views import VIEWS

PAGE = (Path(__file__).parent.parent / "docs" / "migrating-from-ecg-image-kit.md").read_text(encoding="utf-8")
ROWS = [[cell.strip() for cell in line.strip("|").split("|")] for line in PAGE.splitlines() if line.startswith("| `-")]
KINDS = {kind.__name__: {field.name for field in fields(kind)} for kind in (*ARTIFACTS, *VIEWS)}
KIT = """
-i --input_directory -o --output_directory --input_file -hea --header_file -st --start_index -se --seed --num_leads --max_num_images
--config_file -r --resolution --pad_inches -ph --print_header --num_columns --full_mode --mask_unplotted_samples --add_qr_code -l --link
-n --num_words --x_offset --y_offset --hws --deterministic_offset --deterministic_num_words --deterministic_hw_size --hw_text --wrinkles
-ca --crease_angle -nv -nh --deterministic_angle --deterministic_vertical --deterministic_horizontal --augment -rot --rotate -noise --noise
-c --crop -t --temperature --deterministic_rot --deterministic_crop --deterministic_temp --deterministic_noise --fully_random
--random_resolution --random_padding --standard_grid_color --random_grid_color --calibration_pulse --random_grid_present
--random_print_header --random_bw --remove_lead_names --lead_name_bbox --lead_bbox --store_config
""".split()  # noqa: SIM905 - as its README lists them


def test_every_option_of_the_kit_has_a_row():
    named = [option for row in ROWS for option in re.findall(r"`(-[^`]+)`", row[0])]
    assert len(named) == len(set(named))
    assert set(KIT) <= set(named)


def test_what_stands_beside_it_exists():
    commands = typer.main.get_command(app).commands
    options = {option for parameter in commands["render"].params for option in parameter.opts}
    for kit, here, _ in ROWS:
        assert here == "none" or here == "INPUT" or "`" in here, kit
        for name in re.findall(r"`([^`]+)`", here):
            kind, _, value = name.partition(".")
            if name.startswith("-"):
                assert name in options, kit
            elif kind == "page":
                assert value in Recipe.PAGE_KEYS, kit
            else:
                assert not value or value in KINDS[kind], kit


def test_names_in_the_text_exist():
    options = {
        option for command in typer.main.get_command(app).commands.values() for parameter in command.params for option in parameter.opts
    }
    text = PAGE.partition("## What was built around it")[2]
    assert set(re.findall(r"--[a-z][a-z-]+", text)) <= options
    for name in ("kit", "mix", "photo", "screen", "aged", "damaged", "copy"):
        assert f"`{name}`" in PAGE or f"--recipe {name}" in PAGE
        assert name in RECIPES
