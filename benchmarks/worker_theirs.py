"""The PyTorch library's side of `cpu.py` and `generate.py`: reads case names, answers with seconds."""

import json
import os
import sys
import time

os.environ["HF_HUB_OFFLINE"] = "1"


def main(weights: str) -> None:
    import torch
    import transformers

    transformers.logging.set_verbosity_error()
    torch.manual_seed(0)
    torch.set_num_threads(os.cpu_count() or 1)

    def ids(batch: int, length: int, vocab: int):
        return torch.randint(0, vocab, (batch, length))

    def forward(model_class, config, **inputs):
        model = model_class(config).eval()

        def run():
            with torch.inference_mode():
                model(**inputs)

        return run

    def gpt2_train():
        config = transformers.GPT2Config(resid_pdrop=0.0, embd_pdrop=0.0, attn_pdrop=0.0)
        model = transformers.GPT2LMHeadModel(config).train()
        tokens = ids(4, 128, config.vocab_size)
        optimiser = torch.optim.AdamW(model.parameters(), lr=5e-5, weight_decay=1e-4)

        def run():
            optimiser.zero_grad()
            model(input_ids=tokens, labels=tokens).loss.backward()
            optimiser.step()

        return run

    def write(model_class, config, batch: int, **how):
        model = model_class(config).eval()
        model.generation_config.eos_token_id = None  # nothing ends early
        prompts = ids(batch, 64, 32000)
        mask = torch.ones_like(prompts)

        def run():
            out = model.generate(prompts, attention_mask=mask, max_new_tokens=64, pad_token_id=0, **how)
            assert out.shape == (batch, 65 if config.is_encoder_decoder else 128)

        return run

    def load_and_run():
        model = transformers.GPT2LMHeadModel.from_pretrained(weights).eval()
        with torch.inference_mode():
            model(input_ids=prompt)

    t = transformers
    prompt = torch.arange(16)[None]
    image = torch.randn(8, 3, 224, 224)
    cases = {
        "hello": lambda: lambda: None,
        "bert_encode": lambda: forward(t.BertModel, t.BertConfig(), input_ids=ids(8, 128, 30000)),
        "gpt2_prefill": lambda: forward(
            t.GPT2LMHeadModel, t.GPT2Config(use_cache=False), input_ids=ids(8, 128, 50000)
        ),
        "vit_encode": lambda: forward(t.ViTModel, t.ViTConfig(), pixel_values=image),
        "t5_encode": lambda: forward(t.T5EncoderModel, t.T5Config(), input_ids=ids(8, 128, 32000)),
        "gpt2_train": gpt2_train,
        "write_gpt2_1": lambda: write(t.GPT2LMHeadModel, t.GPT2Config(), 1),
        "write_gpt2_8": lambda: write(t.GPT2LMHeadModel, t.GPT2Config(), 8),
        "write_gpt2_1_sampled": lambda: write(
            t.GPT2LMHeadModel, t.GPT2Config(), 1, do_sample=True, top_k=50, top_p=0.9
        ),
        "write_t5_8": lambda: write(
            t.T5ForConditionalGeneration, t.T5Config(), 8, num_beams=4, decoder_start_token_id=0
        ),
        "gpt2_load": lambda: load_and_run,
        "gpt2_return": lambda: lambda: t.GPT2LMHeadModel.from_pretrained(weights),
    }
    ready = {}
    for line in sys.stdin:
        name = line.strip()
        if name not in ready:
            ready[name] = cases[name]()
        begin = time.perf_counter()
        ready[name]()
        print(json.dumps(time.perf_counter() - begin), flush=True)


def start(weights: str) -> None:
    import torch
    from transformers import GPT2LMHeadModel

    model = GPT2LMHeadModel.from_pretrained(weights).eval()
    with torch.inference_mode():
        model(torch.arange(16)[None]).logits.numpy()


def write(weights: str) -> None:
    from transformers import GPT2Config, GPT2LMHeadModel

    GPT2LMHeadModel(GPT2Config()).save_pretrained(weights)


if __name__ == "__main__":
    job = start if "--start" in sys.argv else write if "--write" in sys.argv else main
    job(sys.argv[1])
