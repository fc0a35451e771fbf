"""Prepares a network's graph and converts it to the targets, each verified against torch before it is bundled."""
