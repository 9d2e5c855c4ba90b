"""Print the n-th shell block of README.md, so that the commands that newcomers type are tested: ``python tools/readme_command.py N``."""

import re
import sys
from pathlib import Path


def shell_blocks(text: str) -> list[str]:
    """The contents of all shell blocks of a text in Markdown."""
    return re.findall(r"^```(?:bash|sh|shell)\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


if __name__ == "__main__":
    readme = Path(__file__).parent.parent / "README.md"
    print(shell_blocks(readme.read_text(encoding="utf-8"))[int(sys.argv[1]) - 1], end="")
