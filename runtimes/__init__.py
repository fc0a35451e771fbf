"""Runs exported artifacts from their bundles and proves that they are what was trained. Needs numpy, no torch."""
