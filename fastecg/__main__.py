"""``fastecg`` and ``python -m fastecg``: the command line."""

import sys


def main() -> None:
    """Run the command line. Ctrl-C ends the program without a traceback, also while the command line is still being imported."""
    try:
        from fastecg.cli import main as run

        run()
    except KeyboardInterrupt:
        sys.exit(130)  # The status that shells expect after Ctrl-C.


if __name__ == "__main__":
    main()
