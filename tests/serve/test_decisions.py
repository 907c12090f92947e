"""Scenarios, rules, experiments, block lists and limits over HTTP: in force at once, named in the answer."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from recsys.config import ServeConfig
from serve_app.service import ShopService
from tests.serve.conftest import SmallShop, assemble_inline
from tests.serve.test_api import active_user, ids, play, post

Scene = Callable[[httpx.AsyncClient], Awaitable[None]]
BRAND = {"field": "brand", "op": "==", "value": "Umbra"}


async def put(
    client: httpx.AsyncClient, path: str, body: dict[str, Any], status: int = 200
) -> dict[str, Any]:
    """Put, require the status, and give the body."""
    answer = await client.put(path, json=body, headers={"X-Actor": "ann"})
    assert answer.status_code == status, answer.text
    decoded: dict[str, Any] = answer.json()
    return decoded


def field_of(shop: SmallShop, name: str) -> dict[str, Any]:
    """A field of every item."""
    return {row["item_id"]: row[name] for row in shop.shop.items.to_pylist()}


def test_a_rule_counts_at_once_and_is_named(service: ShopService, small_shop: SmallShop) -> None:
    user, brands = active_user(small_shop), field_of(small_shop, "brand")

    async def scene(client: httpx.AsyncClient) -> None:
        plain = await post(client, "/v1/recommend", {"user_id": user, "n": 10})
        assert plain["applied_rules"] == []
        last = ids(await post(client, "/v1/recommend", {"user_id": user, "n": 40}))[-1]
        await put(client, "/v1/rules/first", {"effect": {"kind": "pin", "slot": 2, "item_id": last}})
        await put(client, "/v1/rules/no", {"items": {"field": "item_id", "op": "==", "value": ids(plain)[0]},
                                           "effect": {"kind": "hide"}})  # fmt: skip
        ruled = await post(client, "/v1/recommend", {"user_id": user, "n": 10})
        assert ids(ruled) == [ids(plain)[1], last, *ids(plain)[2:10]]
        assert ruled["items"][1]["rules"] == ["first"]
        assert ruled["applied_rules"] == ["first", "no"]
        for name in ("first", "no"):
            await client.delete(f"/v1/rules/{name}")
        await put(client, "/v1/rules/own", {"items": BRAND, "effect": {"kind": "promote", "share": 0.3}})
        promoted = await post(client, "/v1/recommend", {"user_id": user, "n": 10})
        available = sum(brands[i] == "Umbra" for i in ids(promoted))
        assert available >= 3 or promoted["rule_conflicts"]
        assert promoted["applied_rules"] == ["own"]

    play(service, scene)


def test_a_boost_lifts_and_a_bury_lowers(service: ShopService, small_shop: SmallShop) -> None:
    user, categories = active_user(small_shop), field_of(small_shop, "category")

    async def scene(client: httpx.AsyncClient) -> None:
        plain = ids(await post(client, "/v1/recommend", {"user_id": user, "n": 20}))
        common = Counter(categories[i] for i in plain).most_common(1)[0][0]
        items = {"field": "category", "op": "==", "value": common}

        async def share() -> int:
            return sum(
                categories[i] == common
                for i in ids(await post(client, "/v1/recommend", {"user_id": user, "n": 10}))
            )

        before = await share()
        await put(client, "/v1/rules/r", {"items": items, "effect": {"kind": "bury", "factor": 0.05}})
        buried = await share()
        await put(client, "/v1/rules/r", {"items": items, "effect": {"kind": "boost", "factor": 20.0}})
        boosted = await share()
        assert buried < before <= boosted
        assert buried < boosted

    play(service, scene)


def test_rules_go_by_scenario_context_and_date(service: ShopService, small_shop: SmallShop) -> None:
    user = active_user(small_shop)
    when = {"all": [{"field": "scenario", "op": "==", "value": "home"},
                    {"field": "context.country", "op": "in", "value": ["DE", "AT"]}]}  # fmt: skip
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).isoformat()

    async def scene(client: httpx.AsyncClient) -> None:
        body = {"when": when, "items": BRAND, "effect": {"kind": "hide"}}
        await put(client, "/v1/rules/r", body)
        await put(client, "/v1/rules/later", {**body, "when": None, "valid_from": tomorrow})

        async def applied(**asked: Any) -> list[str]:
            answer = await post(client, "/v1/recommend", {"user_id": user, "n": 5, **asked})
            found: list[str] = answer["applied_rules"]
            return found

        assert await applied(scenario="home", context={"country": "DE"}) == ["r"]
        assert await applied(scenario="home", context={"country": "FR"}) == []
        assert await applied(scenario="home") == []
        assert await applied(context={"country": "DE"}) == []

    play(service, scene)


def test_rules_that_empty_a_list_say_so(service: ShopService, small_shop: SmallShop) -> None:
    user = active_user(small_shop)

    async def scene(client: httpx.AsyncClient) -> None:
        everything = {"field": "title", "op": "exists", "value": True}
        await put(client, "/v1/rules/all", {"items": everything, "effect": {"kind": "hide"}})
        answer = await post(client, "/v1/recommend", {"user_id": user, "n": 5})
        assert ids(answer) == []
        assert "emptied_by_rules" in answer["degraded"]
        assert answer["applied_rules"] == ["all"]
        assert answer["rule_conflicts"] == ["all: nothing else is left to show"]

    play(service, scene)


def test_rules_reach_shoppers_of_whom_nothing_is_known(service: ShopService, small_shop: SmallShop) -> None:
    brands = field_of(small_shop, "brand")

    async def scene(client: httpx.AsyncClient) -> None:
        plain = ids(await post(client, "/v1/recommend", {"n": 10}))
        counts = Counter(brands.values())
        rare = next(b for b in sorted(counts) if counts[b] >= 3 and b not in {brands[i] for i in plain})
        items = {"field": "brand", "op": "==", "value": rare}
        await put(client, "/v1/rules/r", {"items": items, "effect": {"kind": "promote", "share": 0.3}})
        promoted = await post(client, "/v1/recommend", {"n": 10})
        assert sum(brands[i] == rare for i in ids(promoted)) == 3
        assert (promoted["applied_rules"], promoted["rule_conflicts"]) == (["r"], [])
        first = {"field": "item_id", "op": "==", "value": plain[0]}
        await put(client, "/v1/rules/r", {"items": first, "effect": {"kind": "bury", "factor": 0.05}})
        buried = await post(client, "/v1/recommend", {"n": 10})
        assert len(ids(buried)) == 10
        assert plain[0] not in ids(buried)[:5]
        assert buried["applied_rules"] == ["r"]

    play(service, scene)


def test_no_rule_pins_an_item_onto_its_own_page_or_what_is_in_the_cart(
    service: ShopService, small_shop: SmallShop
) -> None:
    user = active_user(small_shop)

    async def scene(client: httpx.AsyncClient) -> None:
        item = ids(await post(client, "/v1/recommend", {"user_id": user, "n": 5}))[3]
        await put(client, "/v1/rules/r", {"effect": {"kind": "pin", "slot": 1, "item_id": item}})
        for around in ({"item_id": item}, {"cart": [item]}):
            assert item not in ids(await post(client, "/v1/recommend", {"user_id": user, "n": 5, **around}))
        assert ids(await post(client, "/v1/recommend", {"user_id": user, "n": 5}))[0] == item

    play(service, scene)


def test_two_promotions_of_half_a_list_keep_its_length(service: ShopService, small_shop: SmallShop) -> None:
    brands = sorted({brand for brand in field_of(small_shop, "brand").values() if brand})

    async def scene(client: httpx.AsyncClient) -> None:
        for name, brand in zip("ab", brands, strict=False):
            items = {"field": "brand", "op": "==", "value": brand}
            await put(
                client, f"/v1/rules/{name}", {"items": items, "effect": {"kind": "promote", "share": 0.5}}
            )
        answer = await post(client, "/v1/recommend", {"user_id": active_user(small_shop), "n": 3})
        assert len(ids(answer)) == 3

    play(service, scene)


def test_rules_are_tried_before_anybody_sees_them(service: ShopService, small_shop: SmallShop) -> None:
    user = active_user(small_shop)

    async def scene(client: httpx.AsyncClient) -> None:
        request = {"user_id": user, "n": 5}
        now = ids(await post(client, "/v1/recommend", request))
        hide = {"items": {"field": "item_id", "op": "==", "value": now[0]}, "effect": {"kind": "hide"}}
        tried = await post(client, "/v1/rules:preview", {"request": request, "rules": [hide]})
        assert ids(tried["before"]) == now
        assert ids(tried["after"])[:4] == now[1:]
        assert tried["left"] == [now[0]]
        gone = tried["changes"][-1]
        assert gone == {"item_id": now[0], "before": 1, "after": None, "rules": ["rule 0"]}
        assert [one["before"] for one in tried["changes"][:4]] == [2, 3, 4, 5]
        assert ids(await post(client, "/v1/recommend", request)) == now
        bad = {"request": request, "rules": [{"effect": {"kind": "hide"}}]}
        assert "filter" in (await post(client, "/v1/rules:preview", bad, 422))["message"]

    play(service, scene)


def test_a_scenario_decides_about_its_lists(service: ShopService, small_shop: SmallShop) -> None:
    user = active_user(small_shop)

    async def scene(client: httpx.AsyncClient) -> None:
        known = (await client.get("/v1/scenarios")).json()
        assert {"default", "home", "item_page", "cart", "email"} <= {one["name"] for one in known}
        cheap = {"field": "price_minor", "op": "<=", "value": 5_000}
        await put(client, "/v1/scenarios/bargains", {"n": 3, "filter": cheap, "sources": ["personal"]})
        answer = await post(client, "/v1/recommend", {"user_id": user, "scenario": "bargains"})
        prices = field_of(small_shop, "price_minor")
        assert len(ids(answer)) == 3
        assert all(prices[i] <= 5_000 for i in ids(answer))
        assert answer["scenario"] == "bargains"
        await put(client, "/v1/scenarios/bargains", {"sources": ["nothing"]}, 422)
        await post(client, "/v1/recommend", {"user_id": user, "scenario": "absent"}, 422)

    play(service, scene)


def test_diversity_of_a_request_makes_a_list_less_alike(service: ShopService, small_shop: SmallShop) -> None:
    user = active_user(small_shop)

    async def scene(client: httpx.AsyncClient) -> None:
        plain = await post(client, "/v1/recommend", {"user_id": user, "n": 10})
        varied = await post(client, "/v1/recommend", {"user_id": user, "n": 10, "diversity": 0.7})
        assert ids(varied)[0] == ids(plain)[0]
        assert set(ids(varied)) != set(ids(plain))
        moved = [one["moved_by"] for one in varied["items"]]
        assert ["diversity"] in moved
        vectors = small_shop.encoder.encode([str(one["title"]) for one in plain["items"]])
        assert vectors.shape[0] == 10

    play(service, scene)


def test_an_experiment_deals_shoppers_and_its_arm_is_in_the_answer_and_the_log(
    service: ShopService, small_shop: SmallShop
) -> None:
    arms = [{"name": "A", "share": 0.5}, {"name": "B", "share": 0.5, "overrides": {"n": 3}}]

    async def scene(client: httpx.AsyncClient) -> None:
        await put(client, "/v1/experiments/short", {"state": "running", "arms": arms, "scenarios": ["home"]})
        counts: Counter[str] = Counter()
        for number in range(60):
            body = {"user_id": f"u{number}", "scenario": "home", "explain": False}
            answer = await post(client, "/v1/recommend", body)
            assert len(ids(answer)) == (3 if answer["variant"] == "short=B" else 10)
            again = await post(client, "/v1/recommend", body)
            assert again["variant"] == answer["variant"]
            counts[answer["variant"]] += 1
        assert set(counts) == {"short=A", "short=B"}
        assert min(counts.values()) > 15
        elsewhere = await post(client, "/v1/recommend", {"user_id": "u1"})
        assert elsewhere["variant"] is None
        await service.journal.flush()
        logged = [one.arms for one in service.journal._store.scan() if one.arms]
        assert Counter(one["short"] for one in logged) == Counter(
            {name[-1]: 2 * count for name, count in counts.items()}
        )
        too_much = [{"name": "A", "share": 0.7}, {"name": "B", "share": 0.7}]
        refused = await put(client, "/v1/experiments/x", {"arms": too_much}, 422)
        assert "140" in refused["message"]

    play(service, scene)


def test_two_arms_draft_one_list_together(service: ShopService) -> None:
    arms = [
        {"name": "A", "share": 0.5},
        {"name": "B", "share": 0.5, "overrides": {"sources": ["new"]}},
    ]

    async def scene(client: httpx.AsyncClient) -> None:
        body = {"state": "running", "mode": "interleave", "arms": arms}
        await put(client, "/v1/experiments/mix", body)
        answer = await post(client, "/v1/recommend", {"user_id": "somebody", "n": 10})
        assert len(set(ids(answer))) == 10
        await service.journal.flush()
        (logged,) = service.journal._store.scan()
        assert Counter(logged.teams.values()) == {"A": 5, "B": 5}
        assert set(logged.teams) == set(ids(answer))

    play(service, scene)


def test_blocked_items_are_in_no_list(service: ShopService, small_shop: SmallShop) -> None:
    user, brands = active_user(small_shop), field_of(small_shop, "brand")

    async def scene(client: httpx.AsyncClient) -> None:
        first = ids(await post(client, "/v1/recommend", {"user_id": user, "n": 10}))
        await put(client, "/v1/blocks/b", {"item_ids": [first[0]], "brands": [brands[first[1]]]})
        bodies: dict[str, dict[str, Any]] = {
            "/v1/recommend": {"user_id": user, "n": 150},
            "/v1/similar": {"item_id": first[0], "n": 150},
            "/v1/search": {"text": "lamp", "n": 150},
            "/v1/rank": {"user_id": user, "item_ids": first},
        }
        for path, body in bodies.items():
            found = ids(await post(client, path, body))
            assert found, path
            assert first[0] not in found, path
            assert brands[first[1]] not in {brands[i] for i in found}, path
        await put(client, "/v1/rules/pin", {"effect": {"kind": "pin", "slot": 1, "item_id": first[0]}})
        answer = await post(client, "/v1/recommend", {"user_id": user, "n": 5})
        assert first[0] not in ids(answer)
        assert answer["rule_conflicts"] == [f"pin: {first[0]} is not available, hidden or unknown"]

    play(service, scene)


def test_limits_of_age_and_region_hold_in_every_list_and_lists_stay_full(
    service: ShopService, small_shop: SmallShop
) -> None:
    user = active_user(small_shop)

    async def scene(client: httpx.AsyncClient) -> None:
        best = ids(await post(client, "/v1/recommend", {"user_id": user, "n": 10}))
        rows = {row["item_id"]: row for row in small_shop.shop.items.to_pylist()}
        limits = [{"min_age": "18"}, {"regions": "DE, AT"}, {"blocked_regions": "DE"}, {"min_age": "adults"}]
        changed = [
            {"item_id": i, "title": rows[i]["title"], "category": rows[i]["category"], **limit}
            for i, limit in zip(best, limits, strict=False)
        ]
        await post(client, "/v1/items:batch", {"items": changed})

        async def shown(**asked: Any) -> list[str]:
            found = ids(await post(client, "/v1/recommend", {"user_id": user, "n": 150, **asked}))
            assert len(found) == 150
            return found

        def who(found: list[str]) -> list[bool]:
            return [i in found for i in best[:4]]

        assert who(await shown()) == [False] * 4
        assert who(await shown(age=30, region="DE")) == [True, True, False, False]
        assert who(await shown(age=17, region="FR")) == [False, False, True, False]
        similar = ids(await post(client, "/v1/similar", {"item_id": best[5], "n": 150}))
        assert not set(best[:4]) & set(similar)

    play(service, scene)


def test_a_review_hides_until_somebody_approves(service: ShopService, small_shop: SmallShop) -> None:
    user = active_user(small_shop)

    async def scene(client: httpx.AsyncClient) -> None:
        first = ids(await post(client, "/v1/recommend", {"user_id": user, "n": 3}))[0]
        doubt = {"text_hash": "x", "state": "held", "label": "weapons", "score": 0.8}
        small_shop.controls.put("review", first, doubt, "classifier")
        await service.controls.refresh()
        assert first not in ids(await post(client, "/v1/recommend", {"user_id": user, "n": 3}))
        await post(client, f"/v1/reviews/{first}", {"approve": True, "note": "a toy"})
        assert first in ids(await post(client, "/v1/recommend", {"user_id": user, "n": 3}))
        log = (await client.get("/v1/audit")).json()
        assert [(one["action"], one["note"]) for one in log] == [("approve", "a toy"), ("put", "")]
        await post(client, "/v1/reviews/nothing", {"approve": True}, 404)

    play(service, scene)


def test_decisions_carry_revisions_and_a_log(service: ShopService) -> None:
    async def scene(client: httpx.AsyncClient) -> None:
        made = await put(client, "/v1/blocks/b", {"brands": ["Umbra"]})
        assert (made["revision"], made["updated_by"]) == (1, "ann")
        stale = await client.put("/v1/blocks/b", json={}, headers={"If-Match": "0"})
        assert (stale.status_code, stale.json()["type"]) == (409, "ConflictError")
        again = await client.put("/v1/blocks/b", json={}, headers={"If-Match": "1"})
        assert again.json()["revision"] == 2
        assert (await client.delete("/v1/blocks/b")).status_code == 200
        assert (await client.get("/v1/blocks/b")).status_code == 404
        assert [one["action"] for one in (await client.get("/v1/audit?limit=2")).json()] == ["delete", "put"]
        await put(client, "/v1/rules/r", {"items": {"field": "colour", "op": "==", "value": 1},
                                          "effect": {"kind": "hide"}}, 422)  # fmt: skip

    play(service, scene)


def test_other_replicas_follow_within_their_period(small_shop: SmallShop) -> None:
    config = ServeConfig(shard_timeout_s=30, profile_timeout_s=30, encode_timeout_s=30, refresh_s=0.05)
    service = assemble_inline(small_shop, config)

    async def scene(client: httpx.AsyncClient) -> None:
        small_shop.controls.put("block", "b", {"brands": ["Umbra"]}, "another replica")
        for _ in range(100):
            if service.controls.state.blocks:
                break
            await asyncio.sleep(0.02)
        assert service.controls.state.blocks["b"].brands == {"Umbra"}

    play(service, scene)


@pytest.mark.parametrize("asked", [{}, {"user_id": "seen nowhere"}])
def test_a_place_is_left_to_chance_for_a_stranger_too(service: ShopService, asked: dict[str, str]) -> None:
    async def scene(client: httpx.AsyncClient) -> None:
        body = {**asked, "n": 5, "explore": True}
        listed = await post(client, "/v1/recommend", body)
        assert [one["propensity"] is not None for one in listed["items"]] == [False] * 4 + [True]
        told = await post(client, "/v1/explain", {"request": body})
        assert len(told["answer"]["items"]) == 5

    play(service, scene)


def test_a_place_left_to_chance_is_logged_with_its_chances(
    service: ShopService, small_shop: SmallShop
) -> None:
    user = active_user(small_shop)

    async def scene(client: httpx.AsyncClient) -> None:
        plain = ids(await post(client, "/v1/recommend", {"user_id": user, "n": 5}))
        drawn: Counter[str] = Counter()
        for _ in range(40):
            answer = await post(client, "/v1/recommend", {"user_id": user, "n": 5, "explore": True})
            assert [i for i in ids(answer) if i != ids(answer)[4]] == plain[:4]
            drawn[ids(answer)[4]] += 1
            assert 0 < answer["items"][4]["propensity"] <= 1
        assert len(drawn) > 2
        await service.journal.flush()
        logged = [one.explored for one in service.journal._store.scan() if one.explored]
        assert len(logged) == 40
        for one in logged:
            assert one.position == 5
            assert sum(one.probabilities) == pytest.approx(1.0)
            assert min(one.probabilities) >= 0.1 / len(one.candidates) - 1e-12

    play(service, scene)


def test_an_experiments_results_come_from_what_its_lists_led_to(service: ShopService) -> None:
    arms = [{"name": "A", "share": 0.5}, {"name": "B", "share": 0.5, "overrides": {"sources": ["new"]}}]

    async def scene(client: httpx.AsyncClient) -> None:
        await put(client, "/v1/experiments/e", {"state": "running", "arms": arms})
        wanted: Counter[str] = Counter()
        for number in range(40):
            user = f"u{number}"
            answer = await post(client, "/v1/recommend", {"user_id": user, "explain": False})
            arm = answer["variant"].removeprefix("e=")
            wanted[arm] += 1
            if arm == "B" or number % 4 == 0:
                click = {"user_id": user, "item_id": ids(answer)[0], "event_type": "click",
                         "recommendation_id": answer["recommendation_id"]}  # fmt: skip
                await post(client, "/v1/events:batch", {"events": [click]})
                wanted[f"{arm} clicks"] += 1
        await service.journal.flush()
        found = (await client.get("/v1/experiments/e/results")).json()
        by_name = {one["name"]: one for one in found["arms"]}
        assert {name: by_name[name]["units"] for name in "AB"} == {name: wanted[name] for name in "AB"}
        assert {name: by_name[name]["clicks"] for name in "AB"} == {n: wanted[f"{n} clicks"] for n in "AB"}
        assert found["verdict"]["finding"] == "not enough data"
        assert (await client.get("/v1/experiments/none/results")).status_code == 404

    play(service, scene)


def test_other_policies_are_judged_by_what_chance_has_shown(service: ShopService) -> None:
    async def scene(client: httpx.AsyncClient) -> None:
        clicked = 0
        for number in range(300):
            body = {"user_id": f"u{number}", "n": 4, "explore": True, "explain": False}
            answer = await post(client, "/v1/recommend", body)
            last = answer["items"][-1]
            if last["propensity"] and int(last["item_id"][-1]) % 2:
                click = {"user_id": f"u{number}", "item_id": last["item_id"], "event_type": "click",
                         "recommendation_id": answer["recommendation_id"]}  # fmt: skip
                await post(client, "/v1/events:batch", {"events": [click]})
                clicked += 1
        await service.journal.flush()
        rare = {"name": "rare", "scores": {"nothing": 1.0}, "epsilon": 0.0}
        asked = {"policies": [{"name": "any", "kind": "uniform"}, rare]}
        report = await post(client, "/v1/off-policy", asked)
        assert (report["decisions"], report["shoppers"]) == (300, 300)
        assert report["logged_value"] == pytest.approx(clicked / 300)
        any_ = report["policies"]["any"]
        assert any_["refused"] == [] or any_["effective_decisions"] < 200
        low, high = any_["estimates"]["ips"]["interval"] if any_["estimates"] else (0.0, 1.0)
        assert low < 0.6 and high > 0.2  # noqa: PT018 - one interval
        await post(client, "/v1/off-policy", {"policies": []}, 422)

    play(service, scene)


def test_people_see_and_steer_the_loop_over_http(service: ShopService, small_shop: SmallShop) -> None:
    async def scene(client: httpx.AsyncClient) -> None:
        assert (await post(client, "/v1/loop/pause", {}))["paused"] is True
        assert (await post(client, "/v1/loop/resume", {}))["paused"] is False
        asked = await client.post("/v1/jobs/fit")
        assert asked.status_code == 202
        assert (await client.post("/v1/jobs/coffee")).status_code == 422
        status = (await client.get("/v1/loop")).json()
        assert (status["waiting"], status["holder"], status["runs"]) == (["fit"], None, [])
        assert (await client.get("/v1/jobs")).json() == []
        assert (await client.get("/v1/jobs/nothing")).status_code == 404

    play(service, scene)


def test_what_is_due_again_is_in_the_list_and_durables_are_not(
    service: ShopService, small_shop: SmallShop
) -> None:
    soap, sofa = "item-00010", "item-00020"
    now = datetime.now(UTC)

    def bought(user: str, item_id: str, days_ago: float) -> dict[str, Any]:
        at = (now - timedelta(days=days_ago)).isoformat()
        return {"user_id": user, "item_id": item_id, "event_type": "purchase", "occurred_at": at}

    async def scene(client: httpx.AsyncClient) -> None:
        events = [bought(f"b{n}", soap, days) for n in range(40) for days in (90, 60, 30)]
        events += [bought("me", item_id, 31) for item_id in (soap, sofa)]
        await post(client, "/v1/events:batch", {"events": events})
        await service.habits.refresh()
        body = {"user_id": "me", "n": 5, "scenario": "cart"}
        answer = await post(client, "/v1/recommend", body)
        due = [one["item_id"] for one in answer["items"] if one["sources"] == ["buy_again"]]
        assert due == [soap]
        assert sofa not in ids(answer)
        assert soap not in ids(await post(client, "/v1/recommend", {"user_id": "me", "n": 5}))
        in_cart = await post(client, "/v1/recommend", {**body, "cart": [soap]})
        assert soap not in ids(in_cart)

    play(service, scene)


def test_what_goes_with_the_cart_is_among_the_first_and_needs_five_shoppers(
    service: ShopService, small_shop: SmallShop
) -> None:
    lens, camera, rare = "item-00030", "item-00031", "item-00032"
    now = datetime.now(UTC)

    def basket(user: str, *items: str) -> list[dict[str, Any]]:
        return [
            {"user_id": user, "item_id": item, "event_type": "purchase", "occurred_at": now.isoformat()}
            for item in items
        ]

    async def scene(client: httpx.AsyncClient) -> None:
        events = [one for n in range(30) for one in basket(f"c{n}", lens, camera)]
        events += [one for n in range(4) for one in basket(f"r{n}", camera, rare)]
        await post(client, "/v1/events:batch", {"events": events})
        await service.habits.refresh()
        body = {"user_id": "somebody", "n": 5, "scenario": "cart", "cart": [camera]}
        answer = await post(client, "/v1/recommend", body)
        together = [one["item_id"] for one in answer["items"] if one["sources"] == ["complements"]]
        assert lens in together
        assert rare not in together
        assert camera not in ids(answer)
        assert len(ids(answer)) == 5

    play(service, scene)
