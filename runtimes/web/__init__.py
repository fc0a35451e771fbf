"""Artifacts in a real browser: a page in headless Chromium runs them, in WebAssembly or on WebGPU."""
