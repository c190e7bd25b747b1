"""Records the learning rates of PyTorch transformers' schedules: `python tests/goldens/record_schedules.py`."""

import json
import pathlib

import torch
from torch.optim.lr_scheduler import ReduceLROnPlateau
from transformers import get_scheduler

LR = 3e-3
CASES = [
    ("constant", None, None, {}),
    ("constant_with_warmup", 7, None, {}),
    ("constant_with_warmup", 0, None, {}),
    ("linear", 7, 40, {}),
    ("linear", 0, 40, {}),
    ("linear", 40, 40, {}),
    ("cosine", 7, 40, {}),
    ("cosine", 5, 40, {"num_cycles": 1.75}),
    ("cosine_with_restarts", 7, 40, {}),
    ("cosine_with_restarts", 4, 40, {"num_cycles": 3}),
    ("polynomial", 7, 40, {}),
    ("polynomial", 3, 40, {"lr_end": 1e-4, "power": 2.5}),
    ("inverse_sqrt", 7, None, {}),
    ("inverse_sqrt", 0, None, {}),
    ("cosine_with_min_lr", 7, 40, {"min_lr": 1e-4}),
    ("cosine_with_min_lr", 7, 40, {"min_lr_rate": 0.2, "num_cycles": 1.0}),
    ("cosine_warmup_with_min_lr", 7, 40, {"min_lr_rate": 0.2}),
    ("cosine_warmup_with_min_lr", 7, 40, {"min_lr": 1e-4, "warmup_lr_rate": 0.1}),
    ("warmup_stable_decay", 7, 40, {"num_decay_steps": 10}),
    ("warmup_stable_decay", 7, None, {"num_decay_steps": 10, "num_stable_steps": 12, "min_lr_ratio": 0.1}),
    ("warmup_stable_decay", 8, 40, {"num_decay_steps": 10, "warmup_type": "cosine", "decay_type": "linear"}),
    ("warmup_stable_decay", 8, 40, {"num_decay_steps": 10, "warmup_type": "1-sqrt", "decay_type": "1-sqrt"}),
    ("warmup_stable_decay", 8, 40, {"num_decay_steps": 12, "num_cycles": 1.5, "min_lr_ratio": 0.3}),
]
METRICS = [
    5,
    4,
    4.1,
    4.0001,
    3.9999,
    4,
    4,
    4,
    4,
    3,
    3,
    3,
    3,
    2.9999,
    3,
    3,
    3,
    3,
    3,
    3,
    3,
    3,
    -1,
    -1,
    -1,
    -1.00001,
    -1,
    -1,
]
PLATEAUS = [
    {"patience": 2},
    {"patience": 2, "mode": "max"},
    {"patience": 1, "factor": 0.5, "cooldown": 2, "min_lr": 1e-3},
    {"patience": 1, "threshold": 0.5, "threshold_mode": "abs"},
    {"patience": 0, "factor": 0.5, "eps": 5e-4},
]


def optimizer():
    return torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=LR)


def main():
    cases = []
    for name, warmup, steps, options in CASES:
        opt = optimizer()
        made = get_scheduler(name, opt, warmup, steps, options)
        values = []
        for _ in range(50):
            values.append(opt.param_groups[0]["lr"])
            opt.step()
            made.step()
        cases.append({"name": name, "warmup": warmup, "steps": steps, "options": options, "values": values})
    plateaus = []
    for options in PLATEAUS:
        opt = optimizer()
        made, values = ReduceLROnPlateau(opt, **options), []
        for metric in METRICS:
            made.step(metric)
            values.append(opt.param_groups[0]["lr"])
        plateaus.append({"options": options, "values": values})
    file = pathlib.Path(__file__).parent / "schedules.json"
    file.write_text(json.dumps({"lr": LR, "cases": cases, "metrics": METRICS, "plateaus": plateaus}, indent=0) + "\n")


if __name__ == "__main__":
    main()
