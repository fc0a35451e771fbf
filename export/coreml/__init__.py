"""Core ML: the hub rebuilt op by op as a MIL program, which coremltools optimises and saves as an .mlpackage."""
