"""Records in `families.json` the parameter counts that PyTorch transformers gives to families' published configs."""

import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))

import torch
import transformers
from record import config_class
from support.case import GOLDENS
from support.families import FAMILIES

counts = {}
for name, values in FAMILIES.items():
    config = config_class(values["model_type"]).from_dict(values)
    with torch.device("meta"):
        model = getattr(transformers, values["architectures"][0])(config)
    counts[name] = sum(p.numel() for p in model.parameters())
(GOLDENS / "families.json").write_text(json.dumps(counts, indent=1, sort_keys=True) + "\n")
print(counts)
