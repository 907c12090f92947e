"""Catalogs as other products export them: every field where it belongs, every odd row named."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from recsys.formats.merchant import price_now
from recsys.rerank.pool import variant_key
from tests.unit.formats.imported import imported


def test_shopify_variants_are_items_of_one_group_that_inherit_what_their_rows_leave_out() -> None:
    found = imported("shopify/products.csv", "items", default_currency="EUR")
    assert found.seen.formats == {"Shopify products": 1}
    assert found.column("title") == {
        "LS-SAND-M": "Linen shirt - Sand / M",
        "LS-SAND-L": "Linen shirt - Sand / L",
        "linen-shirt/Moss/M": "Linen shirt - Moss / M",
        "GW": "Gift wrap",
        "felt-hat": "Felt hat",
    }
    shirts = [row for row in found.rows if "linen" in dict(row["attributes"])["handle"]]
    assert {row["description"] for row in shirts} == {"Airy, cut wide."}
    assert {row["category"] for row in shirts} == {"Apparel & Accessories/Clothing/Shirts"}
    assert {variant_key(row) for row in shirts} == {"=linen-shirt"}
    assert [row["price_minor"] for row in found.rows] == [5900, 5900, 6400, 350, 4500]
    assert {row["currency"] for row in found.rows} == {"EUR"}
    assert found.attribute("color")["linen-shirt/Moss/M"] == "Moss"
    assert found.attribute("variant_of")["GW"] is None


def test_shopify_tells_what_cannot_be_bought_and_what_no_item_is() -> None:
    found = imported("shopify/products.csv", "items")
    # Without stock, but sold beyond it; a draft; nothing counted.
    assert found.column("available") == {
        "LS-SAND-M": True, "LS-SAND-L": False, "linen-shirt/Moss/M": True, "GW": True, "felt-hat": False,
    }  # fmt: skip
    assert found.seen.skipped == {"picture_row": 1}
    assert found.refused == [(7, "bad_price")]
    pictures = found.column("image_url")
    assert pictures["LS-SAND-L"] == "https://cdn.example/sand.jpg", "the row's own is another picture's"
    assert pictures["linen-shirt/Moss/M"] == "https://cdn.example/moss.jpg"


def test_shopify_never_keeps_what_a_product_costs_the_shop() -> None:
    for name in ("shopify/products.csv", "merchant/feed.tsv", "retail/products.jsonl"):
        said = str(imported(name, "items").rows)
        assert "21.00" not in said
        assert "6.20" not in said
        assert "410" not in said


def test_shopify_s_newer_column_names_are_read_as_well() -> None:
    found = imported("shopify/products-url-handle.csv", "items")
    assert found.column("title") == {"EP-W": "Enamel pot - White", "EP-B": "Enamel pot - Blue"}
    assert found.column("available") == {"EP-W": True, "EP-B": False}
    assert set(found.attribute("variant_of").values()) == {"enamel-pot"}


def test_a_product_over_the_end_of_a_batch_is_inherited_all_the_same() -> None:
    whole = imported("shopify/products.csv", "items")
    parted = imported("shopify/products.csv", "items", batch_rows=1)
    assert parted.rows == whole.rows
    assert parted.refused == whole.refused
    assert parted.seen == whole.seen


def test_woocommerce_variations_follow_their_product_by_number_and_by_stock_number() -> None:
    found = imported("woocommerce/products.csv", "items", default_currency="EUR")
    groups = found.attribute("variant_of")
    assert groups == {"100": "100", "101": "100", "102": "100", "103": None, "104": None}
    assert found.column("category")["102"] == "Clothing/Hoodies"
    assert found.column("description")["101"] == "Brushed inside, made to last."
    assert found.column("brand")["101"] == "Loom"
    assert found.column("price_minor") == {"100": None, "101": 4500, "102": 5500, "103": 1250, "104": 1000}
    assert found.column("available") == {"100": True, "101": True, "102": False, "103": True, "104": False}
    assert found.column("category")["103"] == "Kitchen/Cups, mugs"
    assert found.attribute("color")["101"] == "Blue"
    assert found.refused == [(6, "missing_title")]


def test_a_merchant_feed_says_the_same_as_text_and_as_xml() -> None:
    text = imported("merchant/feed.tsv", "items")
    assert text.column("category") == {
        "tee-red": "Clothing/Shirts/Tees",
        "tee-blue": "Clothing/Shirts/Tees",
        "cap": "Apparel & Accessories/Hats",
    }
    assert text.column("price_minor") == {"tee-red": 1500, "tee-blue": 1900, "cap": 2450}
    assert text.column("available") == {"tee-red": True, "tee-blue": False, "cap": True}
    assert text.attribute("variant_of") == {"tee-red": "tee", "tee-blue": "tee", "cap": None}
    assert text.refused == [(3, "bad_price")]
    rss, atom = imported("merchant/rss.xml", "items"), imported("merchant/atom.xml", "items")
    assert rss.seen.formats == atom.seen.formats == {"Google Merchant feed": 1}
    assert rss.refused == [(2, "missing_id")]
    for feed, item_id in ((rss, "tee-red"), (atom, "cap")):
        for name in ("title", "description", "category", "image_url", "currency"):
            assert feed.column(name)[item_id] == text.column(name)[item_id]
    assert rss.attribute("link")["tee-red"] == "https://shop.example/tee?c=red&s=m"


@pytest.mark.parametrize(
    ("sale", "period", "expected"),
    [
        (None, None, "9"),
        ("7", None, "7"),
        ("7", "2001-01-01T00:00+0100/2001-02-01T00:00+0100", "9"),
        ("7", "2001-01-01T00:00+0100/2999-02-01T00:00+0100", "7"),
        ("7", "soon", "9"),
    ],
)
def test_a_sale_s_price_holds_while_the_sale_is_on(
    sale: str | None, period: str | None, expected: str
) -> None:
    assert price_now("9", sale, period) == expected


def test_retail_products_open_their_nested_values() -> None:
    found = imported("retail/products.jsonl", "items")
    sofa, green = found.rows
    assert sofa["category"] == "Living/Sofas/Two seats"
    assert (sofa["price_minor"], sofa["currency"], sofa["brand"]) == (89900, "EUR", "Oak & Ash")
    assert sofa["created_at"] == datetime(2025, 1, 15, 8, 0, 0, 123456, UTC)
    assert dict(sofa["attributes"]).items() >= {"legs": "oak", "weight_kg": "42.5"}.items()
    assert variant_key(sofa) == variant_key(green) == "=sofa"
    assert (green["available"], dict(green["attributes"])["color"]) == (False, "Moss")
    assert found.refused == [(3, "bad_price")]


def test_gorse_items_are_titled_by_label_or_comment_and_keep_every_category() -> None:
    found = imported("gorse/items.jsonl", "items")
    assert found.column("title") == {
        "kettle-1": "Gooseneck kettle, 0.8 l",
        "mug-7": "Stoneware mug",
        "old-lamp": "Desk lamp, not made any more",
    }
    assert found.column("category") == {"kettle-1": "kitchen", "mug-7": "tea", "old-lamp": None}
    assert found.attribute("categories")["kettle-1"] == "|kitchen|tea|"
    assert found.column("available") == {"kettle-1": True, "mug-7": True, "old-lamp": False}
    assert found.column("created_at")["old-lamp"] is None, "year 1 is no time"
    assert found.refused == [(4, "missing_title")]


def test_older_gorse_tables_are_known_too() -> None:
    found = imported("gorse/items.csv", "items")
    assert found.seen.formats == {"Gorse items": 1}
    assert found.attribute("categories") == {"kettle-1": "|kitchen|tea|", "mug-7": "|tea|"}
    assert found.column("available") == {"kettle-1": True, "mug-7": False}


def test_personalize_items_are_titled_by_their_description_where_they_have_no_name() -> None:
    found = imported("personalize/items.csv", "items", default_currency="EUR")
    assert found.column("title") == {"p-1": "Hiking boots", "p-2": "Wool socks for cold feet."}
    assert found.column("category") == {"p-1": "Shoes/Boots", "p-2": "Outdoor"}
    assert found.column("created_at")["p-1"] == datetime(2024, 6, 1, tzinfo=UTC)
    assert found.attribute("GENRES")["p-1"] == "Outdoor|Winter"
    assert found.attribute("SHELF")["p-1"] == "A4"
    assert found.refused == [(3, "missing_title")]


def test_a_chosen_column_wins_over_the_format(tmp_path: Path) -> None:
    found = imported("shopify/products.csv", "items", columns={"brand": "Type", "category": "Vendor"})
    assert found.column("brand")["LS-SAND-M"] == "Shirts"
    assert found.column("category")["GW"] == "Loom"
    lacking = imported("shopify/products.csv", "items", columns={"brand": "Maker"})
    assert (lacking.rows, lacking.refused) == ([], [(None, "missing_columns")])
