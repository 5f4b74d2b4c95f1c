"""Tests of prices, the green mark and the order of offers."""

from __future__ import annotations

import datetime as dt
import itertools
import random

from dispatch.slots.rules.prices import PriceRules, price
from dispatch.slots.rules.ranking import Candidate, green_of, ranked

NINE = dt.datetime(2026, 11, 23, 9, tzinfo=dt.UTC)
KEYS = itertools.count()


def parts(**terms: int | None) -> tuple[int, dict[str, int]]:
    rules = PriceRules(
        free_from_minor=5_000, share_percent=25, share_least_minor=10, share_most_minor=200
    )
    values: dict[str, int | None] = {
        "base_minor": 400, "surcharge_minor": 150, "value_minor": 4_999, "cost_minor": 400,
    } | terms  # fmt: skip
    quote = price(rules=rules, **values)  # type: ignore[arg-type]
    assert quote.price_minor == sum(part.amount_minor for part in quote.parts)
    assert [p["code"] for p in quote.parts_as_json()] == [part.code for part in quote.parts]
    return quote.price_minor, {part.code: part.amount_minor for part in quote.parts}


def test_a_price_is_base_and_surcharge_and_a_share_of_the_marginal_cost() -> None:
    assert parts() == (650, {"base": 400, "surcharge": 150, "share": 100})


def test_free_from_a_basket_value_waives_the_base_and_keeps_the_surcharge() -> None:
    assert parts(value_minor=5_000) == (
        250,
        {"base": 400, "free": -400, "surcharge": 150, "share": 100},
    )
    assert parts(value_minor=None)[0] == 650  # a basket that is not known is not free


def test_the_share_stays_within_its_bounds_and_is_rounded_half_up() -> None:
    assert parts(cost_minor=9_999)[1]["share"] == 200
    assert parts(cost_minor=0)[1]["share"] == 10
    assert parts(cost_minor=-300)[1]["share"] == 10  # an order can make a route cheaper
    assert parts(cost_minor=42)[1]["share"] == 11  # 10.5
    assert "share" not in parts(cost_minor=None)[1]  # curbside has no marginal cost


def test_without_a_share_or_a_free_limit_there_is_none() -> None:
    quote = price(
        base_minor=400, surcharge_minor=0, rules=PriceRules(), value_minor=10**9, cost_minor=900
    )
    assert (quote.price_minor, [part.code for part in quote.parts]) == (400, ["base"])
    free = price(base_minor=0, surcharge_minor=0, rules=PriceRules(), value_minor=1, cost_minor=1)
    assert (free.price_minor, free.parts) == (0, ())


def offer(hour: int, price_minor: int, co2_g: int | None) -> Candidate:
    return Candidate(
        key=f"{next(KEYS)}", opens_at=NINE + dt.timedelta(hours=hour), price_minor=price_minor,
        co2_g=co2_g,
    )  # fmt: skip


def test_the_offer_with_the_fewest_grams_is_green_and_curbside_never_is() -> None:
    far, near, curb = offer(0, 400, 900), offer(5, 400, 120), offer(1, 0, None)
    assert green_of([far, near, curb], stickiness_percent=10) == near.key
    assert green_of([curb], stickiness_percent=10) == ""
    assert green_of([], stickiness_percent=10) == ""
    later = offer(9, 400, 120)
    assert green_of([later, near], stickiness_percent=10) == near.key  # the earlier of two


def test_the_green_mark_moves_only_when_it_is_gone_or_another_saves_ten_per_cent_more() -> None:
    old, slightly, much = offer(0, 400, 1_000), offer(1, 400, 901), offer(2, 400, 900)
    assert green_of([old, slightly], before=old.key, stickiness_percent=10) == old.key
    assert green_of([old, much], before=old.key, stickiness_percent=10) == much.key
    assert green_of([slightly, much], before=old.key, stickiness_percent=10) == much.key
    zero, other = offer(0, 400, 0), offer(1, 400, 0)
    assert green_of([other, zero], before=other.key, stickiness_percent=10) == other.key
    assert green_of([old, slightly], before=old.key, stickiness_percent=0) == slightly.key


def test_each_offer_says_truly_why_it_stands_where_it_stands() -> None:
    green, cheap = offer(6, 500, 100), offer(4, 300, 800)
    soon, dear, curb = offer(0, 600, 900), offer(8, 700, 200), offer(9, 700, None)
    places = ranked([dear, curb, soon, cheap, green], green=green.key)
    assert [(p.rank, p.key, p.reason) for p in places] == [
        (1, green.key, "greenest"),
        (2, cheap.key, "cheapest"),
        (3, soon.key, "soonest"),
        (4, dear.key, "costs_more"),
        (5, curb.key, "co2_unknown"),
    ]
    same = [offer(6, 500, 100), offer(2, 500, 300), offer(3, 500, 300), offer(4, 500, 310)]
    places = ranked(same, green=same[0].key)
    assert [p.reason for p in places] == ["greenest_and_cheapest", "soonest", "later", "more_co2"]
    assert ranked([], green="") == []
    assert [p.reason for p in ranked([curb], green="")] == ["cheapest"]


def test_the_order_is_total_and_every_reason_is_true_for_random_offers() -> None:
    chance = random.Random(11)
    for _n in range(500):
        offers = [
            offer(chance.randrange(5), chance.randrange(3) * 100, chance.choice([None, 10, 20, 30]))
            for _k in range(chance.randrange(1, 9))
        ]
        green = green_of(offers, stickiness_percent=10)
        places = ranked(offers, green=green)
        assert places == ranked(chance.sample(offers, len(offers)), green=green)
        assert sorted(p.key for p in places) == sorted(o.key for o in offers)
        by_key = {o.key: o for o in offers}
        order = [by_key[p.key] for p in places]
        least = min(o.price_minor for o in offers)
        for here, place in zip(order, places, strict=True):
            above = order[: place.rank - 1]
            same = [o for o in above if o.price_minor == here.price_minor]
            truth = {
                "greenest": (place.rank, here.key) == (1, green),
                "greenest_and_cheapest": here.key == green and here.price_minor == least,
                "cheapest": here.price_minor == least,
                "soonest": here.opens_at == min(o.opens_at for o in offers),
                "costs_more": any(o.price_minor < here.price_minor for o in above),
                "more_co2": any(o.grams < here.grams for o in same),
                "co2_unknown": here.co2_g is None and bool(same),
                "later": any(o.opens_at <= here.opens_at for o in same if o.grams == here.grams),
            }
            assert truth[place.reason], (place, order)
