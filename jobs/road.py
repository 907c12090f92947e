"""The commands in the order in which a shop needs them, each with the module that has it.

`recsys --help` and completion read this list alone; a command's module is imported when it is called.
"""

from __future__ import annotations

from typing import NamedTuple

BEGIN, DATA, LEARN, SERVE, OPERATE, PRIVACY, MEASURE = (
    "1 Begin",
    "2 Data",
    "3 Embed, learn, publish",
    "4 Serve and steer",
    "5 Operate",
    "6 Privacy",
    "7 Measure and plan",
)


class Stop(NamedTuple):
    """A command, or a group of commands, on the road."""

    name: str
    panel: str
    module: str
    """Module in `jobs` whose `register` adds it."""
    does: str
    """What it does, on one line."""


ROAD = (
    Stop("demo", BEGIN, "serve_commands", "The whole road once, on a built-in shop or on your files."),
    Stop("init", BEGIN, "init_commands", "Make a workspace; decide under which names it keeps people."),
    Stop("status", BEGIN, "status_commands", "What is in the workspace, and the next step."),
    Stop("shop", DATA, "shop_commands", "Write the built-in shop as files: catalog and events."),
    Stop("import", DATA, "import_commands", "Read items or events from Parquet, CSV or JSON Lines."),
    Stop("events", DATA, "event_commands", "Verify the event log against its digests; repair it."),
    Stop("embed", LEARN, "catalog_commands", "Encode new and changed texts; build and publish the index."),
    Stop("channel", LEARN, "channel_commands", "Pictures, films and own vectors beside the texts."),
    Stop("fit", LEARN, "learning_commands", "Learn from events; publish if it is not worse."),
    Stop("evaluate", LEARN, "learning_commands", "Every method in one table, on held-out events."),
    Stop("train", LEARN, "training_commands", "Fine-tune the encoder on what shoppers did."),
    Stop(
        "federate", LEARN, "training_commands", "Train one encoder with several shops; events stay at home."
    ),
    Stop("tune", LEARN, "tuning_commands", "Search settings with Ray Tune; say what the best is worth."),
    Stop("label", LEARN, "label_commands", "Choose the items to show or to label next."),
    Stop("index", LEARN, "catalog_commands", "Build an index version from embeddings that are there."),
    Stop("publish", LEARN, "version_commands", "Judge a version, and make it the one that answers."),
    Stop("rollback", LEARN, "version_commands", "Back to the version that was published before."),
    Stop("serve", SERVE, "serve_commands", "Answer over HTTP until Ctrl-C."),
    Stop("keys", SERVE, "key_commands", "Who may call, and how often: keys and their use."),
    Stop("loop", SERVE, "loop_commands", "Keep a live shop fresh: decisions, runs, pause."),
    Stop("experiments", SERVE, "experiment_commands", "A/B tests: what runs, and what it has shown."),
    Stop("moderate", SERVE, "moderation_commands", "Find doubtful items, and decide about them."),
    Stop("map", SERVE, "map_commands", "Draw the items on a plane for the console."),
    Stop("fairness", SERVE, "moderation_commands", "Who gets shown, beside catalog and demand."),
    Stop("doctor", OPERATE, "doctor_commands", "Examine installation and shop; say what to do."),
    Stop("backup", OPERATE, "backup_commands", "Copy a shop as of one moment while it runs."),
    Stop("restore", OPERATE, "backup_commands", "Verify a backup and put it back."),
    Stop("upgrade", OPERATE, "upgrade_commands", "Bring an older release's databases up to this one."),
    Stop("artifacts", OPERATE, "artifact_commands", "Index versions and encoders in S3, GCS or Azure."),
    Stop("verify", OPERATE, "signing_commands", "Read a version whole: hashes, encoder, signatures."),
    Stop("signing-keys", OPERATE, "signing_commands", "Keys that sign versions and encoders."),
    Stop("erase", PRIVACY, "person_commands", "Forget a person everywhere."),
    Stop("export-user", PRIVACY, "person_commands", "Write every record of one person into a file."),
    Stop("replay-erasures", PRIVACY, "person_commands", "Erase again after an older backup came back."),
    Stop("retention", PRIVACY, "retention_commands", "Remove for good what is older than a window."),
    Stop("pseudonym", PRIVACY, "person_commands", "What a person is kept as."),
    Stop("privacy", PRIVACY, "release_commands", "Private releases, and the ledger of their cost."),
    Stop("simulate", MEASURE, "simulate_commands", "Shoppers who see lists, click and buy, over HTTP."),
    Stop("bench", MEASURE, "bench_commands", "Every step beside what one would pick instead."),
    Stop("capacity", MEASURE, "capacity_commands", "What a catalog costs on a cluster."),
)
