"""``python -m padron`` is the command ``padron``."""

from padron.cli.app import main

if __name__ == "__main__":
    main()
