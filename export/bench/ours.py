"""Our road: the hub, and every target made from it as `wedepth-export` does. Imports when called."""

import dataclasses
import importlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from export.bench.contenders import HUB, RANGES
from export.bench.count import count, count_ops
from export.bench.making import Job
from export.bench.naive import coreml_ops, tflite_ops
from export.targets import TARGETS

if TYPE_CHECKING:
    from calib.plan import Plan

ROOMS = 4
UNSEARCHED = "all operators in int8, no search: speed only"
EXPORTED = Path("exported")


def network(job: Job) -> dict[str, Any]:
    """What the network is; and the drawn room that every contender is shown, RGB uint8 [H,W,3]."""
    import numpy as np

    from wedepth.checkpoint import describe
    from wedepth.rooms import rooms

    found = job.network()
    np.save(job.out, rooms(1, job.size)[0].image)
    return {**describe(found), "parameters": sum(p.numel() for p in found.parameters())}


def hub(job: Job) -> dict[str, Any]:
    """The graph that all of ours are made from, and its multiply-accumulates."""
    from export.onnx import export_onnx

    export_onnx(job.network(), job.size, job.out)
    counted = count(job.out)
    return {"ops": counted.nodes, "macs": counted.macs, "count": dataclasses.asdict(counted)}


def convert(job: Job) -> dict[str, Any]:
    """One target in fp32 or fp16."""
    module: Any = importlib.import_module(TARGETS[job.spec.target].module)
    module.convert(job.path(HUB), job.out, precision=job.spec.precision, metadata={"precision": job.spec.precision})
    return {"ops": _ops(job)}


def ranges(job: Job) -> dict[str, Any]:
    """What int8 needs: the hub with its probabilities evened, and the ranges of its activations.

    Those of `exported/PRESET-calibration` if it is of this very hub, with the modules that its search keeps in float;
    else from a few drawn rooms, with every operator in int8.
    """
    import onnx

    from calib.calibrate import Calibration
    from calib.ops import find_ops, tensors_of
    from calib.probabilities import even_probabilities
    from calib.ranges import collect
    from calib.session import to_hub
    from runtimes.bundle import record_files
    from wedepth.config import PRESETS
    from wedepth.errors import WedepthError
    from wedepth.rooms import rooms

    even = _even(job)
    even_probabilities(job.path(HUB), even)
    beside = tuple(file.name for file in even.parent.glob(f"{HUB}.onnx.*"))
    sha256 = record_files(even.parent, even.name, beside).sha256
    same_size = job.size == PRESETS[job.preset].image_size
    name = job.preset if same_size else f"{job.preset}-{job.size[0]}x{job.size[1]}"
    folder = EXPORTED / f"{name}-calibration"
    note, kept, found = UNSEARCHED, frozenset[str](), None
    if folder.is_dir():
        try:
            plan = Calibration.read(folder).plan(even, sha256)
            kept, found = plan.float_modules, dict(plan.ranges)
            note = f"{plan.int8_share:.0%} of multiply-accumulates in int8, as calibrated in {folder}"
        except WedepthError:
            note = f"{UNSEARCHED} ({folder} is of another graph)"
    if found is None:
        ops = find_ops(onnx.load(str(even), load_external_data=False))
        images = [to_hub(frame.image) for frame in rooms(ROOMS, job.size)]
        found = collect(even, (*tensors_of(ops), "depth"), images, lambda: None)
    data = {"float": sorted(kept), "ranges": {name: dataclasses.asdict(r) for name, r in found.items()}}
    job.out.write_text(json.dumps(data))
    return {"note": note}


def int8(job: Job) -> dict[str, Any]:
    """One target in int8, by its own quantiser with the plan of `ranges`."""
    from calib.session import to_hub
    from wedepth.rooms import rooms

    target = TARGETS[job.spec.target]
    source = job.path(HUB) if target.name == "coreml" else _even(job)
    own: dict[str, dict[str, Any]] = {
        "openvino": {"images": [to_hub(frame.image) for frame in rooms(ROOMS, job.size)]}
        if target.name == "openvino"
        else {},
    }
    module: Any = importlib.import_module(target.int8)
    metadata = {"precision": "int8"}
    compiled = module.convert(source, job.out, plan=_plan(job), metadata=metadata, **own.get(target.name, {}))
    plan = _plan(job)
    if not compiled.int8:
        return {
            "ops": _ops(job),
            "note": f"{plan.share(compiled.weights):.0%} of products with int8 weights, else fp16",
        }
    executed = f", {plan.share(compiled.executed):.0%} run so" if compiled.executed is not None else ""
    note = f"{plan.share(compiled.int8):.0%} of multiply-accumulates int8 in the file{executed}"
    return {"ops": _ops(job), "note": note}


def _even(job: Job) -> Path:
    return job.path(HUB).with_name("even.onnx")


def _plan(job: Job) -> "Plan":
    import onnx

    from calib.ops import find_ops
    from calib.plan import Plan
    from calib.ranges import Range

    data = json.loads(job.path(RANGES).read_text())
    found = {name: Range(**entry) for name, entry in data["ranges"].items()}
    ops = find_ops(onnx.load(str(_even(job)), load_external_data=False))
    return Plan(ops, frozenset(data["float"]), found)


def _ops(job: Job) -> int:
    if job.spec.target == "onnx":
        return count_ops(job.out)
    if job.spec.target == "tflite":
        return tflite_ops(job.out)
    if job.spec.target == "coreml":
        return coreml_ops(job.out)
    import openvino

    return len(openvino.Core().read_model(str(job.out)).get_ops())
