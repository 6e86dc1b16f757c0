"""``python -m onnxtwin``: the command line, where the script is not on the path."""

from onnxtwin.cli import main

if __name__ == "__main__":
    main()
