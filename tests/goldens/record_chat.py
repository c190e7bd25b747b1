"""Records what the reference makes of the tests' conversations: `record_chat.py`."""

import json
import pathlib
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))
from chat.case import GOLDENS, TOOLS, observe, write


def main() -> None:
    import transformers
    from transformers.utils import get_json_schema

    transformers.logging.set_verbosity_error()
    with tempfile.TemporaryDirectory() as folder:
        tokenizer = transformers.BertTokenizerFast.from_pretrained(write(pathlib.Path(folder)))
        held = observe(tokenizer)
    held["schemas"] = [get_json_schema(tool) for tool in TOOLS[:2]]
    GOLDENS.mkdir(exist_ok=True)
    (GOLDENS / "chat.json").write_text(json.dumps(held, ensure_ascii=False, separators=(",", ":")) + "\n")
    print(len(held), sum(v is None for v in held.values()), "refused")


if __name__ == "__main__":
    main()
