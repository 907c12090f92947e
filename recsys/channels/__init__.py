"""What is known of items beside their texts: images, films, the shop's own vectors, fused with the text."""

from recsys.channels.fusion import ChannelBlock, ChannelShare, fuse, turned_blocks
from recsys.channels.store import ChannelRecord, ChannelTable, read_channels

__all__ = [
    "ChannelBlock",
    "ChannelRecord",
    "ChannelShare",
    "ChannelTable",
    "fuse",
    "read_channels",
    "turned_blocks",
]
