"""What takes a bundle into an app: a wrapper in the platform's own language, and a test that fails in words."""

from export.embed.embed import Embedded, embed, embed_all
from export.embed.platforms import PLATFORMS, Platform, platforms_of

__all__ = ["PLATFORMS", "Embedded", "Platform", "embed", "embed_all", "platforms_of"]
