"""What keeps an artifact off an NPU that is not here: its ops held against what the NPUs' makers and others say."""
