"""x"""
import re


def mil_name(name):
    return re.sub(r"[^A-Za-z0-9_]", "_", name)
def import_coremltools():
    import coremltools
    return coremltools
