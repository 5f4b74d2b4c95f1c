"""Who could take a duty, alone and beside the others, and the greedy rota made of that. PURE."""

from __future__ import annotations

from dataclasses import dataclass, field

from dispatch.solver.side.rota_problem import PER_METRE, PER_SECOND, UNIT, Crew, Duty, Rota, Van


@dataclass(frozen=True, slots=True)
class Eligible:
    """For each duty by number the vans and the drivers, by number, that could take it alone."""

    vans: tuple[tuple[int, ...], ...]
    crews: tuple[tuple[int, ...], ...]


def choices(rota: Rota) -> Eligible:
    """Look at every duty with every van and every driver, as if there were no other duty."""
    return Eligible(
        tuple(tuple(v for v, it in enumerate(rota.vans) if _van(d, it)) for d in rota.duties),
        tuple(tuple(c for c, it in enumerate(rota.crews) if _crew(d, it)) for d in rota.duties),
    )


def _van(duty: Duty, van: Van) -> bool:
    return (
        (duty.vehicles is None or van.id in duty.vehicles)
        and duty.profile in ("", van.profile)
        and van.opens_s <= duty.begins_s
        and duty.ends_s <= van.closes_s
        and (van.range_m is None or duty.distance_m <= van.range_m)
        and all(van.capacity[at] >= load for at, load in enumerate(duty.load))
    )


def _crew(duty: Duty, crew: Crew) -> bool:
    return (
        (duty.drivers is None or crew.id in duty.drivers)
        and crew.opens_s <= duty.begins_s
        and duty.ends_s <= crew.closes_s
        and (crew.max_work_s is None or duty.lasts_s <= crew.max_work_s)
    )


def skilled(duty: Duty, van: Van, crew: Crew) -> bool:
    """Tell whether the two have what the duty needs between them."""
    return duty.skills <= van.skills | crew.skills


@dataclass(slots=True)
class Board:
    """A rota as it grows: what each van and each driver has, and what one duty more would add."""

    rota: Rota
    choices: Eligible
    taken: dict[int, tuple[int, int]] = field(default_factory=dict)
    of_van: dict[int, list[int]] = field(default_factory=dict)
    of_crew: dict[int, list[int]] = field(default_factory=dict)

    def put(self, duty: int, van: int, crew: int) -> None:
        """Give the duty to the two."""
        self.taken[duty] = (van, crew)
        self.of_van.setdefault(van, []).append(duty)
        self.of_crew.setdefault(crew, []).append(duty)

    def fill(self) -> int:
        """Put in what is still out, by begin, where that saves money; return how many."""
        before = len(self.taken)
        out = [at for at in range(len(self.rota.duties)) if at not in self.taken]
        out.sort(key=lambda at: self.rota.duties[at].begins_s)
        again = True
        while again:  # each that comes in may change what fairness asks for the others
            again = False
            for duty in [at for at in out if at not in self.taken]:
                best = self.cheapest(duty)
                if best is not None and best[0] < self.rota.duties[duty].price * UNIT:
                    self.put(duty, best[1], best[2])
                    again = True
        return len(self.taken) - before

    def cheapest(self, duty: int) -> tuple[int, int, int] | None:
        """Return what the duty adds at least, exactly, and its van and driver; None: no room."""
        vans = sorted((self._van_adds(duty, v), v) for v in self._free_vans(duty))
        crews = sorted(self._crews_add(duty))
        best: tuple[int, int, int] | None = None
        for by_crew, crew in crews:
            if best is not None and vans and by_crew + vans[0][0] >= best[0]:
                break
            for by_van, van in vans:
                if best is not None and by_crew + by_van >= best[0]:
                    break  # what the two add together is never negative
                if skilled(self.rota.duties[duty], self.rota.vans[van], self.rota.crews[crew]):
                    added = by_crew + by_van + self._both_add(duty, van, crew)
                    if best is None or added < best[0]:
                        best = (added, van, crew)
        return best

    def _fits(self, duty: int, others: list[int]) -> bool:
        own, gap = self.rota.duties[duty], self.rota.turnaround_s
        return all(
            own.begins_s >= it.ends_s + gap or it.begins_s >= own.ends_s + gap
            for it in (self.rota.duties[other] for other in others)
        )

    def _free_vans(self, duty: int) -> list[int]:
        found: list[int] = []
        for van in self.choices.vans[duty]:
            others, limit = self.of_van.get(van, []), self.rota.vans[van].range_m
            driven = sum(self.rota.duties[at].distance_m for at in [*others, duty])
            if (limit is None or driven <= limit) and self._fits(duty, others):
                found.append(van)
        return found

    def _van_adds(self, duty: int, van: int) -> int:
        it = self.rota.vans[van]
        fixed = 0 if van in self.of_van else it.fixed_cost
        return fixed * UNIT + self.rota.duties[duty].distance_m * it.cost_per_km * PER_METRE

    def _crews_add(self, duty: int) -> list[tuple[int, int]]:
        lasts = self.rota.duties[duty].lasts_s
        works = {
            c: sum(self.rota.duties[d].lasts_s for d in its) for c, its in self.of_crew.items()
        }
        spread = max(works.values(), default=0) - min(works.values(), default=0)
        found: list[tuple[int, int]] = []
        for crew in self.choices.crews[duty]:
            it = self.rota.crews[crew]
            work = works.get(crew, 0) + lasts
            room = it.max_work_s is None or work <= it.max_work_s
            if not room or not self._fits(duty, self.of_crew.get(crew, [])):
                continue
            added = lasts * it.cost_per_hour
            if self.rota.fairness_cost_per_hour:
                then = {**works, crew: work}.values()
                added += (max(then) - min(then) - spread) * self.rota.fairness_cost_per_hour
            found.append((added * PER_SECOND, crew))
        return found

    def _both_add(self, duty: int, van: int, crew: int) -> int:
        prefers = self.rota.crews[crew].prefers
        mismatch = bool(prefers) and self.rota.vans[van].id not in prefers
        begin = self.rota.duties[duty].begins_s
        before: tuple[int, int] | None = None
        after: tuple[int, int] | None = None
        for other in self.of_crew.get(crew, []):
            its = (self.rota.duties[other].begins_s, self.taken[other][0])
            if its[0] < begin and (before is None or its[0] > before[0]):
                before = its
            if its[0] > begin and (after is None or its[0] < after[0]):
                after = its
        changes = sum(side is not None and side[1] != van for side in (before, after))
        if before is not None and after is not None and before[1] != after[1]:
            changes -= 1
        return (mismatch * self.rota.mismatch_cost + changes * self.rota.change_cost) * UNIT
