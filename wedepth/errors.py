"""The one exception for failures that a person can act on."""


class WedepthError(Exception):
    """An expected failure: bad input, a missing package, a mismatch. Its text is one clear sentence.

    Commands print it and exit with code 1; any other exception is a bug and exits with code 2.
    """
