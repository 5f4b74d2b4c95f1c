from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Policy:
    longest: int = 500


def remarks_policy() -> Policy:
    return Policy()
