# `make demo` and `make test` need nothing but python3.11 and make; both set up .venv first.
PYTHON ?= python3.11
BIN := .venv/bin

.PHONY: demo test lint web test-web first-frame bench arm64 chromium parity-arm parity-web parity-gpu parity-htp \
	parity-vela venv clean

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
	$(BIN)/wedepth-parity --runtime all --data $(FRAMES) --picture exported/parity.png --html exported/parity.html

test: venv
	$(BIN)/python -m pytest --numprocesses auto --maxprocesses 4 --dist worksteal

lint: venv
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# What Arm's compiler for Ethos-U places on the NPU of the default network in INT8, its input and output int8, too.
INT8_IO := exported/int8-io/edge-tflite-int8-io

parity-vela: venv $(INT8_IO)/manifest.json
	$(BIN)/wedepth-parity --npu-report --bundle $(INT8_IO)

$(INT8_IO)/manifest.json: exported/edge-tflite-int8/manifest.json
	$(BIN)/wedepth-export --target tflite --precision int8 --io int8 --calibrated exported/edge-calibration -o exported/int8-io

# Each target's documented road and ours, beside torch, for `edge` and `small`; what is left to compute; how it grows.
# Hours, on a machine that does nothing else. `paper` apart: .venv/bin/python -m export.bench --preset paper
bench: .venv/bench
	$(BIN)/python -m export.bench
	$(BIN)/python -m export.bench count
	$(BIN)/python -m export.bench grow

.venv/bench: .venv/installed
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[all,dev,bench]'
	touch $@

# On machines without the hardware: Arm kernels of ONNX Runtime and LiteRT under QEMU (Debian on x86-64; nothing is
# installed on the machine), a browser, LiteRT's GPU delegate on the browser's software GPU, and Qualcomm's NPU, emulated
# by libraries of theirs. All run the default network in fp32 and INT8, made first where it is not there: calibrating
# takes up to half an hour.
FORMS := $(foreach target,onnx tflite,$(foreach precision,fp32 int8,exported/edge-$(target)-$(precision)))
BUNDLES := $(FORMS:=/manifest.json)

$(BUNDLES) &: | .venv/installed
	$(BIN)/wedepth-export --target onnx --target tflite --precision fp32 --precision int8

# The same four in a page, built and served on this machine. npm comes with Node.js, 20.19 or 22.12 at least.
web: venv $(BUNDLES)
	$(BIN)/python -m export.embed.site $(FORMS) --serve

# How long that page takes to its first depth, in headless Chromium.
first-frame: venv chromium $(BUNDLES)
	$(BIN)/python -m export.embed.site $(FORMS)
	$(BIN)/python -m export.embed.first_frame exported/site

# That page, tested with them.
test-web: .venv/web $(BUNDLES)
	WEDEPTH_TRAINED=exported $(BIN)/python -m pytest tests/export/embed/web

arm64: venv
	$(BIN)/python -m runtimes.arm_root

parity-arm: arm64 $(BUNDLES)
	$(BIN)/wedepth-parity --stand-in arm --data rooms:2

parity-web: .venv/web $(BUNDLES)
	$(BIN)/wedepth-parity --stand-in web --data rooms:2 --limits runtimes/web/limits.toml

parity-gpu: venv chromium $(BUNDLES)
	$(BIN)/wedepth-parity --stand-in gpu --data rooms:2

ifeq ($(ACCEPT_QUALCOMM_LICENCE),yes)
parity-htp: venv $(BUNDLES)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[htp]'
	$(BIN)/wedepth-parity --stand-in htp --data rooms:2
else
parity-htp:
	@echo "onnxruntime-qnn is under Qualcomm's AI Stack License (Qualcomm_LICENSE.pdf in its wheel on PyPI), which binds"
	@echo "who downloads it. If you accept it: make parity-htp ACCEPT_QUALCOMM_LICENCE=yes"
	@false
endif

PAGE := export/embed/templates/web

.venv/web: .venv/installed runtimes/web/npm/package-lock.json $(PAGE)/package-lock.json | chromium
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[all,dev,web]'
	$(BIN)/python -m runtimes.web.packages
	$(BIN)/python -m runtimes.web.packages $(PAGE)
	touch $@

# The projects that --embed makes for phones, in the compilers of their languages (Debian on x86-64, with Java for Kotlin;
# nothing is installed on the machine). Without them these tests are skipped.
.PHONY: compilers check-phones

compilers: venv
	$(BIN)/python -m export.embed.compilers

check-phones: compilers
	$(BIN)/python -m pytest tests/export/embed/phones

chromium:
	@command -v chromium >/dev/null || { [ "$$(id -u)" = 0 ] && apt-get update -q && \
		apt-get install -qy --no-install-recommends chromium; } || \
		{ echo "Chromium is not here, and apt-get needs root: sudo apt-get install chromium" >&2; exit 1; }

clean:
	rm -rf .venv exported build *.egg-info
