"""``fastecg`` and ``python -m fastecg``: the command line."""

import sys


def main() -> None:
    """Run the command line. Ctrl-C before a command has begun ends it without a traceback, as it does later."""
    try:
        from fastecg.cli import main as run

        run()
    except KeyboardInterrupt:
        sys.exit(130)  # The status that shells expect after Ctrl-C.


if __name__ == "__main__":
    main()
