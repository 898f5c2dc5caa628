"""The command line: ``python -m cycloid``."""
