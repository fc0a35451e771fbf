"""The failure that is no verdict: what was asked for is not on this machine."""

from wedepth.errors import WedepthError


class DeviceUnavailable(WedepthError):
    """The hardware or package asked for is absent here: the row is `not_run`, with this sentence as its reason."""
