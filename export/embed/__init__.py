"""What takes a bundle into an app: a wrapper in the platform's own language, and a test that fails in words."""

from export.embed.embed import embed
from export.embed.platforms import PLATFORMS, Platform

__all__ = ["PLATFORMS", "Platform", "embed"]
