"""EnCodec: sound to codes and back, by a convolutional encoder and decoder around a residual vector quantiser.

Paper: https://arxiv.org/abs/2210.13438. Serves facebook/encodec_24khz, encodec_48khz, encodec_32khz and every other of
model type "encodec". The layers are in `models.encodec_layers`. Beside the head, `encode` and `decode` are public.
"""

from __future__ import annotations

import dataclasses
import math

import jax
import jax.numpy as jnp

from jaxformers.config import ModelConfig
from jaxformers.errors import InputError
from jaxformers.model import Head
from jaxformers.models import encodec_layers as layers
from jaxformers.nn.overlap import overlap_add
from jaxformers.nn.quantizer import Quantizer, dequantize, quantize
from jaxformers.nn.weight_norm import older_names
from jaxformers.output import Output

PREFIX = "encodec"


@dataclasses.dataclass(frozen=True)
class Config(ModelConfig, model_type="encodec"):
    target_bandwidths: tuple[float, ...] = (1.5, 3.0, 6.0, 12.0, 24.0)
    sampling_rate: int = 24000
    audio_channels: int = 1
    normalize: bool = False
    chunk_length_s: float | None = None
    overlap: float | None = None
    hidden_size: int = 128
    num_filters: int = 32
    num_residual_layers: int = 1
    upsampling_ratios: tuple[int, ...] = (8, 5, 4, 2)
    norm_type: str = "weight_norm"
    kernel_size: int = 7
    last_kernel_size: int = 7
    residual_kernel_size: int = 3
    dilation_growth_rate: int = 2
    use_causal_conv: bool = True
    pad_mode: str = "reflect"
    compress: int = 2
    num_lstm_layers: int = 2
    trim_right_ratio: float = 1.0
    codebook_size: int = 1024
    codebook_dim: int | None = None
    use_conv_shortcut: bool = True

    allowed = {
        "audio_channels": (1, 2),
        "norm_type": ("weight_norm", "time_group_norm"),
        "pad_mode": tuple(layers.PAD_MODES),
    }

    def check(self):
        self.default(codebook_dim=self.hidden_size)
        if self.codebook_dim != self.hidden_size:
            yield f"codebook_dim must be hidden_size, got {self.codebook_dim} and {self.hidden_size}"
        if self.codebook_size < 2 or self.codebook_size & (self.codebook_size - 1):
            yield f"codebook_size must be a power of 2, got {self.codebook_size}"
        elif self.num_quantizers < 1:
            yield f"target_bandwidths must end with enough for one codebook, got {self.target_bandwidths}"
        if self.num_lstm_layers < 1:
            yield f"num_lstm_layers must be at least 1, got {self.num_lstm_layers}"
        if not 0 <= self.trim_right_ratio <= 1 or (self.trim_right_ratio != 1 and not self.use_causal_conv):
            yield f"trim_right_ratio must be 1, or with use_causal_conv in [0, 1], got {self.trim_right_ratio}"
        if self.chunk_length_s is not None:
            if self.chunk_length < 1:
                yield f"chunk_length_s must be at least one sample, got {self.chunk_length_s}"
            if self.overlap is None or not 0 <= self.overlap < 1:
                yield f"overlap must be in [0, 1) with chunk_length_s, got {self.overlap}"

    @property
    def chunk_length(self) -> int | None:
        """Samples that are encoded at a time; None for all."""
        return None if self.chunk_length_s is None else int(self.chunk_length_s * self.sampling_rate)

    @property
    def chunk_stride(self) -> int | None:
        """Samples from the start of a chunk to the start of the next."""
        if self.chunk_length is None or self.overlap is None:
            return None
        return max(1, int((1.0 - self.overlap) * self.chunk_length))

    @property
    def frame_rate(self) -> int:
        """Codes a second, by one codebook."""
        return math.ceil(self.sampling_rate / math.prod(self.upsampling_ratios))

    @property
    def num_quantizers(self) -> int:
        """Codebooks: as many as the last of the bandwidths, in kbit/s, has room for."""
        return int(1000 * self.target_bandwidths[-1] // (self.frame_rate * math.ceil(math.log2(self.codebook_size))))

    def codebooks(self, bandwidth: float | None = None) -> int:
        """How many codebooks a bandwidth in kbit/s (the first of `target_bandwidths` for None) has room for."""
        bandwidth = self.target_bandwidths[0] if bandwidth is None else bandwidth
        if bandwidth not in self.target_bandwidths:
            known = ", ".join(map(str, self.target_bandwidths))
            raise InputError(self.model_type, [f"bandwidth must be one of {known}, got {bandwidth}"])
        wanted = math.floor(bandwidth * 1000 / (math.log2(self.codebook_size) * self.frame_rate))
        return min(max(1, wanted), self.num_quantizers) if bandwidth > 0 else self.num_quantizers


def Model(c):
    return {
        "encoder": layers.Parts(c, layers.encoder(c)),
        "decoder": layers.Parts(c, layers.decoder(c)),
        "quantizer": Quantizer(c.num_quantizers, c.codebook_size, c.codebook_dim),
    }


# ------------------------------------------------------------------------------------------------------ functions


def encode(p, c, input_values, padding_mask=None, bandwidth=None):
    """Codes of sound.

    Args:
      input_values: float [B, C, T], sound of `audio_channels` channels at `sampling_rate`.
      padding_mask: [B, T] or [B, C, T], 1 at sound, 0 at padding, which is heard as silence.
      bandwidth: one of `target_bandwidths`, in kbit/s: how many codebooks are used. The smallest for None.

    Returns:
      `audio_codes` int32 [F, B, Q, S] of F chunks (one where `chunk_length_s` is None); with `normalize` the
      `audio_scales` [F, B, 1] that chunks were divided by; `last_frame_pad_length`, an int: how many of the last
      chunk's S codes are only there because the others have them. Chunks of one length are encoded together.
    """
    if input_values.ndim != 3 or input_values.shape[1] != c.audio_channels or not input_values.shape[2]:
        got = list(input_values.shape)
        raise InputError(c.model_type, [f"input_values must be [batch, {c.audio_channels}, samples], got {got}"])
    if padding_mask is not None:
        seen = padding_mask.reshape(padding_mask.shape[0], -1, padding_mask.shape[-1]).astype(bool)
        input_values = jnp.where(seen, input_values, 0)
    x = input_values.swapaxes(1, 2).astype(p["encoder"]["layers"][0]["conv"]["bias"].dtype)
    samples, count = x.shape[1], c.codebooks(bandwidth)
    chunk, stride = c.chunk_length or samples, c.chunk_stride or samples
    starts = range(0, samples, stride)
    whole = [start for start in starts if start + chunk <= samples]
    groups = []
    if whole:
        cut = jax.vmap(lambda start: jax.lax.dynamic_slice_in_dim(x, start, chunk, 1), 0, 1)
        groups.append(cut(jnp.asarray(whole)))
    groups += [x[:, None, start:] for start in starts[len(whole) :]]
    codes, scales = zip(*(encode_chunks(p, c, group, count) for group in groups), strict=True)
    longest, last = codes[0].shape[-1], codes[-1].shape[-1]
    if any(one.shape[-1] != longest for one in codes[:-1]):
        problem = f"input_values must leave no two chunks shorter than {chunk} samples, got {samples} samples"
        raise InputError(c.model_type, [problem], f"pad them so that chunks {stride} apart are whole")
    codes = [*codes[:-1], jnp.pad(codes[-1], ((0, 0), (0, 0), (0, 0), (0, longest - last)))]
    return Output(
        audio_codes=jnp.concatenate(codes, 1).swapaxes(0, 1),
        audio_scales=jnp.concatenate(scales, 1).swapaxes(0, 1) if c.normalize else None,
        last_frame_pad_length=longest - last,
    )


def encode_chunks(p, c, x, count: int):
    """Codes [B, F, Q, S] of chunks x [B, F, L, C], and their scales [B, F, 1] (None without `normalize`)."""
    batch, scale = x.shape[:2], None
    x = x.reshape(-1, *x.shape[2:])
    if c.normalize:
        scale = jnp.sqrt(jnp.square(x.mean(-1)).mean(-1)) + 1e-8
        x = x / scale[:, None, None]
        scale = scale.reshape(*batch, 1)
    codes = quantize(p["quantizer"], layers.run(p["encoder"], c, layers.encoder(c), x), count)
    return codes.reshape(*batch, *codes.shape[1:]), scale


def decode(p, c, audio_codes, audio_scales=None, padding_mask=None, last_frame_pad_length=0):
    """Sound of codes: what `encode` returns, as arguments.

    Args:
      audio_codes: int [F, B, Q, S].
      audio_scales: float [F, B, 1], what the chunks are multiplied by; nothing for None.
      padding_mask: [B, T] or [B, C, T]; the sound is cut to its length T.
      last_frame_pad_length: an int, static under `jit`: codes to leave out at the end of the last chunk.

    Returns:
      `audio_values` [B, C, T].
    """
    length = None if padding_mask is None else padding_mask.shape[-1]
    return Output(audio_values=sound(p, c, audio_codes, audio_scales, length, last_frame_pad_length))


def sound(p, c, codes, scales, length: int | None, pad: int):
    _check_codes(c, codes, pad)
    codes = codes.swapaxes(0, 1)
    frames = codes.shape[1]
    scales = None if scales is None else jnp.asarray(scales).reshape(frames, -1).T
    groups = [(0, frames, 0)] if pad == 0 else [(0, frames - 1, 0), (frames - 1, frames, pad)]
    parts = [
        decode_chunks(p, c, codes[:, a:b, :, : codes.shape[3] - cut], None if scales is None else scales[:, a:b])
        for a, b, cut in groups
        if b > a
    ]
    x = join(c, parts, frames) if c.chunk_length else parts[0][:, 0]
    return x[:, :length].swapaxes(1, 2)


def _check_codes(c, codes, pad) -> None:
    problems = []
    if codes.ndim != 4 or not 1 <= codes.shape[2] <= c.num_quantizers:
        got = list(codes.shape)
        problems.append(f"audio_codes must be [chunks, batch, 1 to {c.num_quantizers} codebooks, codes], got {got}")
    elif c.chunk_length is None and codes.shape[0] != 1:
        problems.append(f"audio_codes must be of one chunk without chunk_length_s, got {codes.shape[0]}")
    elif not isinstance(pad, int) or not 0 <= pad < codes.shape[3]:
        problems.append(f"last_frame_pad_length must be an int in [0, {codes.shape[3]}), got {pad}")
    if problems:
        raise InputError(c.model_type, problems)


def decode_chunks(p, c, codes, scales):
    """Sound [B, F, L, C] of codes [B, F, Q, S], times scales [B, F] unless they are None."""
    x = dequantize(p["quantizer"], codes.reshape(-1, *codes.shape[2:]))
    x = layers.run(p["decoder"], c, layers.decoder(c), x)
    x = x.reshape(*codes.shape[:2], *x.shape[1:])
    return x if scales is None else x * scales[..., None, None].astype(x.dtype)


def join(c, parts, frames: int):
    """Chunks [B, F, L, C], the last of which may be shorter, faded into each other: [B, T, C]."""
    longest, last = parts[0].shape[2], parts[-1].shape[2]
    x = jnp.concatenate([jnp.pad(y, ((0, 0), (0, 0), (0, longest - y.shape[2]), (0, 0))) for y in parts], 1)
    weight = 0.5 - jnp.abs(jnp.linspace(0, 1, longest + 2)[1:-1] - 0.5)
    there = jnp.arange(longest) < jnp.where(jnp.arange(frames) < frames - 1, longest, last)[:, None]
    weight = jnp.where(there, weight, 0).astype(x.dtype)[None, ..., None]  # [1, F, L, 1]
    total = overlap_add(weight, c.chunk_stride)
    length = c.chunk_stride * (frames - 1) + last
    if frames > 1:  # a short last chunk may end before the one in front of it
        length = max(length, c.chunk_stride * (frames - 2) + longest)
    return (overlap_add(x * weight, c.chunk_stride)[:, :length] / total[:, :length]).astype(x.dtype)


def model(
    p,
    c,
    input_values=None,
    padding_mask=None,
    bandwidth=None,
    audio_codes=None,
    audio_scales=None,
    last_frame_pad_length=0,
):
    """Sound input_values [B, C, T] to codes and back; or `audio_codes` (with their scales) to sound.

    Arguments are those of `encode` and `decode`; the sound is as long as padding_mask, or input_values, says.
    """
    if audio_codes is None and (input_values is None or audio_scales is not None):
        raise InputError(c.model_type, ["input_values, or audio_codes with their audio_scales, must be given"])
    if audio_codes is not None and audio_scales is None and c.normalize:
        raise InputError(c.model_type, ["audio_scales must come with audio_codes where normalize is on"])
    if audio_codes is None:
        made = encode(p, c, input_values, padding_mask, bandwidth)
        audio_codes, audio_scales, last_frame_pad_length = (
            made.get(n) for n in ("audio_codes", "audio_scales", "last_frame_pad_length")
        )
    ruler = input_values if padding_mask is None else padding_mask
    length = None if ruler is None else ruler.shape[-1]
    values = sound(p, c, audio_codes, audio_scales, length, last_frame_pad_length)
    return Output(audio_codes=audio_codes, audio_values=values)


HEADS = {"EncodecModel": Head(Model, model, ties=lambda c: older_names(Model(c)))}
