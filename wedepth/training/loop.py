"""The training loop: steps, epochs, and what is saved on the way."""

import math
import time
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from timm.layers import convert_sync_batchnorm
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from wedepth.checkpoint import save_adapters, without_vfm
from wedepth.errors import WedepthError
from wedepth.network import WEDepth
from wedepth.training.batches import EpochFrames, batches, positions
from wedepth.training.config import TrainConfig
from wedepth.training.distributed import Ranks
from wedepth.training.floor import Floors
from wedepth.training.frames import TrainFrames, ValFrames
from wedepth.training.interrupt import Interrupt
from wedepth.training.losses import TERMS, image_losses
from wedepth.training.modes import set_mode
from wedepth.training.report import Report, duration
from wedepth.training.sampling import draw_epoch
from wedepth.training.schedule import learning_rate
from wedepth.training.state import BEST, FAILED, LAST, LOG, STATE, Log, State, save_state
from wedepth.training.validation import mean_abs_rel, predictor, rounded, validate

# The first steps are slower than the rest; the estimate is of those after them.
WARM_STEPS, TIMED_STEPS = 2, 5


@dataclass(frozen=True, slots=True)
class Options:
    """What changes how fast a run goes and what it leaves, but nothing that it computes."""

    parts: int
    """Pieces in which each process passes its part of a batch through the network."""
    workers: int
    save_seconds: float


class Trainer:
    """A run: `train` goes on from `state` to the end, or until it is interrupted."""

    def __init__(
        self,
        network: WEDepth,
        frames: TrainFrames,
        validation: list[ValFrames],
        floors: Floors,
        config: TrainConfig,
        ranks: Ranks,
        options: Options,
        out: Path,
        record: dict[str, Any],
        report: Report,
    ) -> None:
        self.frames, self.validation, self.config, self.ranks = frames, validation, config, ranks
        self.options, self.out, self.record, self.report = options, out, record, report
        self.floors = rounded(floors.to_dict())
        self.log = Log(out / LOG)
        self.network = network.to(ranks.device)
        cuda = ranks.device.type == "cuda"
        if ranks.world > 1 and cuda:
            # timm's, since torch's would drop the activation that timm's encoders keep in their norms
            self.network = convert_sync_batchnorm(self.network)
        self.trained = [p for p in self.network.parameters() if p.requires_grad]
        self.optimizer = torch.optim.AdamW(
            self.trained, lr=config.lr, betas=(config.betas[0], config.betas[1]), weight_decay=config.weight_decay
        )
        # The module that is called: the network itself, or DDP around it, which averages gradients over processes.
        self.module: nn.Module = self.network
        if ranks.world > 1:
            self.module = DistributedDataParallel(self.network, device_ids=[ranks.device] if cuda else None)
        self.state = State({}, {}, record["setup"])
        self._saved = time.monotonic()
        self.step_seconds: list[float] = []

    def resume(self, state: State) -> None:
        """Go on from a saved state."""
        self.network.load_state_dict(state.weights, strict=False)
        self.optimizer.load_state_dict(state.optimizer)
        self.state = state
        if self.ranks.first:
            self.log.cut(state.step, state.epoch)

    def train(self, interrupt: Interrupt) -> bool:
        """Every epoch that is left; False where it was interrupted. The state is saved either way."""
        while self.state.epoch < self.config.epochs:
            if not self._epoch(interrupt):
                self._save()
                return False
            self._close_epoch()
        return True

    def _epoch(self, interrupt: Interrupt) -> bool:
        config, epoch, steps = self.config, self.state.epoch, self.config.steps_per_epoch
        order = draw_epoch(self.frames.sources, steps * config.batch, config.seed, epoch)
        first = self.state.step - epoch * steps
        plan = [
            part
            for step in range(first, steps)
            for part in positions(config, step, self.ranks.rank, self.ranks.world, self.options.parts)
        ]
        items = batches(
            EpochFrames(self.frames, order, config, epoch),
            plan,
            self.options.workers,
            pin_memory=self.ranks.device.type == "cuda",
        )
        set_mode(self.network, self._frozen_norms(epoch))
        with self.report.bar(f"epoch {epoch + 1}/{config.epochs}", steps, first) as advance:
            for step in range(first, steps):
                start = time.perf_counter()
                parts = [next(items) for _ in range(self.options.parts)]
                stopped, words = self._step(parts, order[step * config.batch :][: config.batch], interrupt, start)
                advance(words)
                if stopped:
                    return False
                if time.monotonic() - self._saved >= self.options.save_seconds:
                    self._save()
        return True

    def _frozen_norms(self, epoch: int) -> nn.Module | None:
        if epoch >= self.config.norms_until * self.config.epochs:
            return self.network
        return self.network.encoder if self.record["frozen_encoder_norms"] else None

    def _step(
        self, parts: list[tuple[Tensor, Tensor]], drawn: Any, interrupt: Interrupt, start: float
    ) -> tuple[bool, str]:
        """One step of the optimiser; whether any process was interrupted, and what to say of the step."""
        config, state, ranks = self.config, self.state, self.ranks
        rate = learning_rate(config, state.step)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        self.optimizer.zero_grad(set_to_none=True)
        own = config.batch // ranks.world
        # Loss and terms of every image of the whole batch, each process filling in its own; one more row is whether
        # someone wants to stop, so that all stop at the same step.
        table = torch.zeros(config.batch + 1, 1 + len(TERMS), device=ranks.device)
        row = ranks.rank * own
        for index, (images, depths) in enumerate(parts):
            with self._unsynced() if index < len(parts) - 1 else nullcontext():
                losses, terms = self._losses(images, depths)
                # Divided by this process's images; DDP averages over the processes: the mean over the whole batch.
                (losses.sum() / own).backward()
            table[row : row + len(losses)] = torch.cat((losses[:, None], terms), dim=1).detach()
            row += len(losses)
        table[-1] = float(interrupt.asked)
        rows = ranks.total(table).cpu().double()
        stopped, rows = bool(rows[-1, 0] > 0), rows[:-1]
        norm = float(nn.utils.clip_grad_norm_(self.trained, config.clip_norm))
        if not (rows.isfinite().all() and math.isfinite(norm)):
            self._fail(rows, [self.frames.known[int(n)].name for n in drawn])
        self.optimizer.step()
        state.step += 1
        loss, *values = rows.mean(dim=0).tolist()
        state.loss_sum += loss
        seconds = time.perf_counter() - start
        self._estimate(seconds)
        if ranks.first:
            named = dict(zip(TERMS, values, strict=True))
            entry = {"step": state.step, "epoch": state.epoch + 1, "loss": loss, **named, "lr": rate, "grad_norm": norm}
            self.log.write(kind="step", **entry, seconds=round(seconds, 4))
        return stopped, f"loss {loss:.4f}  lr {rate:.2e}  {seconds / config.batch:.3f} s an image"

    def _losses(self, images: Tensor, depths: Tensor) -> tuple[Tensor, Tensor]:
        device = self.ranks.device
        images, depths = images.to(device, non_blocking=True), depths.to(device, non_blocking=True)
        # bf16 on CUDA alone: on a CPU without AMX or AVX512_BF16 it was measured 2.3 times slower than fp32.
        # Nothing of the VFM is kept between steps: prompts stand in front of its first block and every image token
        # sees them, so only the patch embedding could be kept, and that costs nearly nothing.
        with torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cuda"):
            pred = self.module(images)
        return image_losses(pred[:, 0].float(), depths, self.config.loss)

    def _unsynced(self) -> AbstractContextManager[Any]:
        return self.module.no_sync() if isinstance(self.module, DistributedDataParallel) else nullcontext()

    def _fail(self, rows: Tensor, names: list[str]) -> None:
        """Say where the loss stopped being a number, leaving the weights as they were before it."""
        state, where = self.state, ""
        if self.ranks.first:
            save_state(self._filled(), self.out / FAILED)
            where = f" The weights before that step are in {self.out / FAILED}, the last good state in {STATE}."
        bad = [name for name, row in zip(names, rows, strict=True) if not row.isfinite().all()]
        what = f"the loss of {', '.join(bad)}" if bad else f"the gradient of {', '.join(names)}"
        raise WedepthError(
            f"Epoch {state.epoch + 1}, step {state.step + 1}: {what} is not a number; a lower --lr may help.{where}"
        )

    def _close_epoch(self) -> None:
        """Validate, and save what the epoch left."""
        state, config = self.state, self.config
        if self.ranks.first:
            self.network.eval()
            results = rounded(validate(predictor(self.network, self.ranks.device), self.validation, config.batch))
            abs_rel = mean_abs_rel(results)
            loss = state.loss_sum / config.steps_per_epoch
            self.log.write(
                kind="epoch", epoch=state.epoch + 1, step=state.step, loss=loss, abs_rel=abs_rel, val=results
            )
            better = abs_rel is not None and (state.best is None or abs_rel < state.best["abs_rel"])
            title = f"epoch {state.epoch + 1}/{config.epochs}: training loss {loss:.4f}" + ", best so far" * better
            self.report.epoch(title, results, self.floors)
            state.epoch += 1
            if better:
                state.best = {"epoch": state.epoch, "abs_rel": abs_rel, "val": results}
                self._save_adapters(BEST, abs_rel, results)
            self._save_adapters(LAST, abs_rel, results)
        else:
            state.epoch += 1
        state.loss_sum = 0.0
        self._save()
        self.ranks.wait()

    def _save_adapters(self, name: str, abs_rel: float | None, results: dict[str, Any]) -> None:
        state = self.state
        record = {
            **self.record,
            "images": self.record["images_before"] + state.step * self.config.batch,
            "epochs": state.epoch,
            "steps": state.step,
            "val_abs_rel": abs_rel,
            "val": results,
            "floors": self.floors,
        }
        save_adapters(self.network, self.out / name, training=record)

    def _filled(self) -> State:
        self.state.weights = without_vfm(self.network)
        self.state.optimizer = self.optimizer.state_dict()
        return self.state

    def _save(self) -> None:
        if self.ranks.first:
            save_state(self._filled(), self.out / STATE)
        self._saved = time.monotonic()

    def _estimate(self, seconds: float) -> None:
        """After the first few steps, say what the rest will take."""
        self.step_seconds.append(seconds)
        if len(self.step_seconds) == WARM_STEPS + TIMED_STEPS:
            each = sum(self.step_seconds[WARM_STEPS:]) / TIMED_STEPS
            left = self.config.total_steps - self.state.step
            self.report.say(
                f"{each / self.config.batch:.3f} s an image: the {left} steps that are left will take about "
                f"{duration(each * left)}, validation aside"
            )
