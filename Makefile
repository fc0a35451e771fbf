# `make demo` and `make test` need nothing but python3.11 and make; both set up .venv first.
PYTHON ?= python3.11
BIN := .venv/bin

.PHONY: demo test lint bench parity-web parity-gpu chromium venv clean

venv: .venv/installed

.venv/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[all,dev]'
	touch $@

# Every target of the default network, then parity: on real frames where they lie beside the checkout, else on rooms
# that the project draws itself.
FRAMES := $(if $(wildcard ../shared/data/manifest.json),../shared/data --split eval,rooms:4)

demo: venv
	$(BIN)/wedepth-export --target all --precision fp32 --precision fp16
	$(BIN)/wedepth-parity --runtime all --data $(FRAMES) --picture exported/parity.png

test: venv
	$(BIN)/python -m pytest

lint: venv
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# Each target's documented road and ours, beside torch, for `edge` and `small`; what is left to compute; how it grows.
# Hours, on a machine that does nothing else. `paper` apart: .venv/bin/python -m export.bench --preset paper
bench: .venv/bench
	$(BIN)/python -m export.bench
	$(BIN)/python -m export.bench count
	$(BIN)/python -m export.bench grow

.venv/bench: .venv/installed
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[all,dev,bench]'
	touch $@

# What stands in for hardware: the default network in fp32 and INT8, in a browser, and in LiteRT's GPU delegate on the
# browser's software GPU. Bundles that are absent are made first, of which INT8 takes 10 minutes.
WEB := $(foreach target,onnx tflite,$(foreach precision,fp32 int8,exported/edge-$(target)-$(precision)))
TFLITE := $(filter exported/edge-tflite-%,$(WEB))

parity-web: .venv/web $(WEB:=/manifest.json)
	$(BIN)/wedepth-parity --stand-in web --data rooms:2

parity-gpu: venv chromium $(TFLITE:=/manifest.json)
	$(BIN)/wedepth-parity --stand-in gpu --data rooms:2

$(WEB:=/manifest.json) &: | .venv/installed
	$(BIN)/wedepth-export --target onnx --target tflite --precision fp32 --precision int8

.venv/web: .venv/installed runtimes/web/npm/package-lock.json | chromium
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[all,dev,web]'
	$(BIN)/python -m runtimes.web.packages
	touch $@

chromium:
	@command -v chromium >/dev/null || { [ "$$(id -u)" = 0 ] && apt-get update -q && \
		apt-get install -qy --no-install-recommends chromium; } || \
		{ echo "Chromium is not here, and apt-get needs root: sudo apt-get install chromium" >&2; exit 1; }

clean:
	rm -rf .venv exported build *.egg-info
