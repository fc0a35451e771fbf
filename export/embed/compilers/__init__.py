"""Compilers of Swift and Kotlin for Linux, to check the embedded projects with: neither Xcode nor Gradle runs here.

They run what depends on the language alone, and check the types of all else against declarations of the platforms'
APIs. `python -m export.embed.compilers` sets them up: 0.7 GB of downloads, 1.6 GB in the virtual environment.
"""

SETUP = "make compilers"
