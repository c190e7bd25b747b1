"""Schedules of pipelines: which stage computes which layers of which micro-batch in which tick.

GPipe, https://arxiv.org/abs/1811.06965, and the interleaved schedule of https://arxiv.org/abs/2104.04473, as one. The
layers are cut into v P chunks, of which chunk k lies on stage k mod P; GPipe is v = 1. In a tick every stage computes
one chunk for one micro-batch and hands it on to the next stage. Stage 0 takes P micro-batches, one a tick, through its
first chunk, then, as they come back from the last stage, through its second, and so on; then the next P.
"""

from __future__ import annotations

import dataclasses
import math

import jax.numpy as jnp
import numpy as np


@dataclasses.dataclass(frozen=True)
class Schedule:
    """What a pipeline does, as numbers.

    Args:
      stages: how many stages there are, P.
      microbatches: how many parts a batch is cut into, M; a multiple of P where chunks > 1.
      chunks: how many chunks of layers a stage has, v.
    """

    stages: int
    microbatches: int
    chunks: int = 1

    @property
    def turns(self) -> int:
        """In how many ticks a stage has something to compute, M v."""
        return self.microbatches * self.chunks

    @property
    def ticks(self) -> int:
        """How many ticks there are, M v + P - 1: the last stage starts P - 1 ticks after the first."""
        return self.turns + self.stages - 1

    @property
    def bubble(self) -> float:
        """The share of the ticks in which a stage has nothing to compute, (P - 1) / (M v + P - 1)."""
        return (self.stages - 1) / self.ticks

    def sent(self, activations: int, parameters: int = 0, backward: bool = True) -> int:
        """Bytes that a device sends in a step by `ppermute`, a micro-batch a tick and, interleaved, its own layers.

        Args:
          activations: bytes of the device's own rows of a batch, between two layers.
          parameters: bytes of the device's own layers, which interleaving deals out at the start of the step.
          backward: also count the gradients, which go the same ways back.
        """
        each_way = self.ticks * activations // self.microbatches + (parameters if self.chunks > 1 else 0)
        return 2 * each_way if backward else each_way

    def work(self, turn):
        """The micro-batch and the chunk (of its own) that a stage computes in its turn, int32 []; both at least 0."""
        turn = jnp.clip(turn, 0, self.turns - 1)
        group, turn = jnp.divmod(turn, self.stages * self.chunks)
        chunk, which = jnp.divmod(turn, self.stages)
        return group * self.stages + which, chunk

    def by_stage(self) -> np.ndarray:
        """int [v P]: the chunks of stage 0, then those of stage 1, and so on."""
        return np.arange(self.chunks * self.stages).reshape(self.chunks, self.stages).T.reshape(-1)

    def deals(self) -> list[Deal]:
        """How chunks that lie in the layers' order, v after the other on a stage, come to theirs: v exchanges."""
        stages, chunks = self.stages, self.chunks
        made = [Deal(np.zeros(stages, np.int32), np.zeros(stages, np.int32), []) for _ in range(chunks)]
        for k in range(chunks * stages):
            # Each stage sends one chunk and gets one in each exchange: k mod v alone would do without common divisors.
            deal = made[(k + k // math.lcm(chunks, stages)) % chunks]
            deal.take[k // chunks] = k % chunks
            deal.put[k % stages] = k // stages
            deal.ways.append((k // chunks, k % stages))
        return made


@dataclasses.dataclass(frozen=True)
class Deal:
    """An exchange of chunks: `ways` are (from stage, to stage); `take` and `put` a stage's own chunk sent and got."""

    take: np.ndarray
    put: np.ndarray
    ways: list[tuple[int, int]]
