"""What the command line tells its user in one line."""


class InputError(Exception):
    """A mistake in the command line or in a file: one line for the user, exit code 2."""
