"""Training a head so that no user shows in it: DP-SGD over users (Abadi et al. 2016), by Opacus."""

from __future__ import annotations

import secrets
import warnings
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch.nn import functional

from recsys.config import TrainConfig
from recsys.errors import ConfigError
from recsys.training.checkpoint import Progress
from recsys.training.data import TrainingData
from recsys.training.judge import figures_of
from recsys.training.pairs import Pairs, sampled_negatives
from recsys.training.tower import Tower

Report = Callable[[dict[str, float]], None]


@dataclass(frozen=True)
class PrivacyPlan:
    """How much noise a training needs; what it says of any user is bounded by `epsilon` and `delta`."""

    epsilon: float
    delta: float
    noise_multiplier: float
    """Standard deviation of the noise in units of `max_grad_norm`."""
    max_grad_norm: float
    sample_rate: float
    """Chance of each user to be in a step."""
    steps: int

    @classmethod
    def of(cls, config: TrainConfig, num_users: int) -> PrivacyPlan:
        """The least noise that keeps `config.dp_epsilon`, by Opacus' accountant of Rényi divergences.

        Raises `ConfigError` where `delta` would allow to tell everything about one user.
        """
        from opacus.accountants.utils import get_noise_multiplier

        if config.dp_epsilon is None:
            raise ConfigError("this training is not private", expected="--dp-epsilon")
        if config.dp_delta >= 1.0 / max(num_users, 1):
            raise ConfigError(
                "delta is too large",
                expected=f"below one over the number of users, {1.0 / max(num_users, 1):.2g}",
                found=f"{config.dp_delta:g}",
                where="dp_delta",
            )
        rate = min(config.batch_pairs / max(num_users, 1), 1.0)
        steps = config.epochs * max(round(1.0 / rate), 1)
        with warnings.catch_warnings():  # while it searches it meets noise for which its orders are coarse
            warnings.filterwarnings("ignore", "Optimal order is the", UserWarning)
            noise = get_noise_multiplier(
                target_epsilon=config.dp_epsilon,
                target_delta=config.dp_delta,
                sample_rate=rate,
                steps=steps,
                accountant="rdp",
            )
        return cls(config.dp_epsilon, config.dp_delta, float(noise), config.dp_max_grad_norm, rate, steps)


@dataclass(frozen=True, eq=False)
class UserPairs:
    """Pairs by user, padded: `U` users with up to `K` pairs of `H` known items and one wanted."""

    anchors: np.ndarray
    """`[U, K, H] int64`, -1 where there is none."""
    wanted: np.ndarray
    """`[U, K, 1 + num negatives] int64`, the chosen item first."""
    mask: np.ndarray
    """`[U, K] bool`: pairs that are there."""

    @classmethod
    def of(cls, pairs: Pairs, negatives: np.ndarray) -> UserPairs:
        """Each user's pairs side by side; what a user has depends on nobody else."""
        users, own = np.unique(pairs.users, return_inverse=True)
        order = np.argsort(own, kind="stable")
        starts = np.searchsorted(own[order], np.arange(len(users)))
        place = np.arange(len(order)) - starts[own[order]]
        shape = len(users), int(place.max(initial=0)) + 1
        anchors = np.full((*shape, pairs.anchors.shape[1]), -1, np.int64)
        wanted = np.zeros((*shape, 1 + negatives.shape[1]), np.int64)
        mask = np.zeros(shape, bool)
        at = own[order], place
        anchors[at] = pairs.anchors[order]
        wanted[at] = np.concatenate([pairs.positives[:, None], negatives], axis=1)[order]
        mask[at] = True
        return cls(anchors, wanted, mask)

    def part(self, users: np.ndarray) -> UserPairs:
        """Some users alone."""
        return UserPairs(self.anchors[users], self.wanted[users], self.mask[users])


def train_private(
    tower: Tower,
    data: TrainingData,
    config: TrainConfig,
    report: Report,
    plan: PrivacyPlan | None = None,
) -> Progress:
    """Train the head on users drawn at random, each one's gradient clipped, noise on their sum.

    The loss classifies pairs, at the scale of the temperature: a mean over users of what each one's own
    pairs say, which contrast within a batch is not. The last state counts and nothing is chosen by
    validation, since a choice would tell of those it was made on. Draws and noise come from fresh
    randomness, never from `seed`. `plan` is the config's own unless given.
    """
    from opacus import GradSampleModule
    from opacus.optimizers import DPOptimizer

    if tower.head is None:
        raise ConfigError("only a head is trained privately", expected="mode head", found=tower.mode.value)
    negatives = sampled_negatives(
        data.pairs, len(data.frequencies), max(config.hard_negatives, 1), config.seed
    )
    users = UserPairs.of(data.pairs, negatives)
    plan = plan or PrivacyPlan.of(config, len(users.mask))
    chance, noise = np.random.default_rng(secrets.randbits(128)), torch.Generator()
    noise.manual_seed(secrets.randbits(63))
    head = GradSampleModule(tower.head, loss_reduction="mean")
    optimizer = DPOptimizer(
        torch.optim.AdamW(head.parameters(), lr=config.rate, weight_decay=0.0),
        noise_multiplier=plan.noise_multiplier,
        max_grad_norm=plan.max_grad_norm,
        expected_batch_size=max(round(plan.sample_rate * len(users.mask)), 1),
        loss_reduction="mean",
        generator=noise,
    )
    head.train()  # the library takes gradients of single users in training mode alone
    scale = 1.0 / config.temperature
    progress = Progress(data.digest(config))
    progress.curve.append({"epoch": 0.0, **figures_of(tower.embed(len(data.frequencies)), data, config)})
    while progress.step < plan.steps:
        drawn = users.part(np.flatnonzero(chance.random(len(users.mask)) < plan.sample_rate))
        optimizer.zero_grad(set_to_none=True)
        value = 0.0
        if len(drawn.mask):
            loss = user_losses(head, tower.item_vectors, drawn, scale).mean()
            loss.backward()  # type: ignore[no-untyped-call]  # torch's own signature
            value = float(loss.detach())
        else:
            _nobody(head)
        optimizer.step()
        progress.step += 1
        report({"step": float(progress.step), "loss": value, "of": float(plan.steps)})
    head.remove_hooks()
    tower.eval()
    figures = figures_of(tower.embed(len(data.frequencies)), data, config)
    progress.curve.append({"epoch": float(config.epochs), **figures})
    progress.best, progress.best_step, progress.done = figures["ndcg@10"], progress.step, True
    return progress


def user_losses(head: torch.nn.Module, vectors: torch.Tensor, users: UserPairs, scale: float) -> torch.Tensor:
    """`[U]`: for each user the mean over the user's own pairs of `softplus(wrong - right)`.

    Binary cross-entropy of telling the chosen item from a random one (Rendle et al. 2009). Of the
    difference, since a bias that had to be learned would cost privacy and a fixed one would be wrong.
    """
    anchors, wanted = torch.from_numpy(users.anchors), torch.from_numpy(users.wanted)
    mask = torch.from_numpy(users.mask)
    items = torch.cat([anchors, wanted], dim=2)
    # One call with users in front, from which the library takes each one's gradient; its hook wants an
    # input that has one.
    turned = head(vectors[items.clamp(min=0).flatten(1)].requires_grad_())
    placed = functional.normalize(turned, dim=-1).reshape(*items.shape, -1)
    history = anchors.shape[2]
    weights = (anchors >= 0) * 0.5 ** torch.arange(history)
    mean = functional.normalize((placed[:, :, :history] * weights[..., None]).sum(2), dim=-1)
    scores = scale * torch.einsum("ukd,ukod->uko", mean, placed[:, :, history:])
    own = functional.softplus(scores[..., 1:] - scores[..., :1]).mean(2)
    return (own * mask).sum(1) / mask.sum(1).clamp(min=1)


def _nobody(head: torch.nn.Module) -> None:
    """The gradients of no user: a step without anybody is noise alone, and must look like any other."""
    for value in head.parameters():
        value.grad_sample = torch.zeros((0, *value.shape))  # type: ignore[attr-defined]
