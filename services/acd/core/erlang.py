"""What queueing theory says of one queue with equal agents: Erlang C (nobody gives up) and Erlang A (patience is exponential).

Rates are per second. Formulas: A. K. Erlang 1917; C. Palm 1957 for the second, computed here from its birth and death process.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import exp

# states of the process beyond which nothing counts
_NEGLIGIBLE = 1e-12


@dataclass(frozen=True, slots=True)
class Theory:
    """``delayed``: share who wait at all; ``lost``: share who give up; ``wait_s``: mean over all; ``busy``: share of agents' time.

    ``in_time``: share answered within the target; None where there is no simple formula.
    """

    delayed: float
    lost: float
    wait_s: float
    busy: float
    in_time: float | None = None


def erlang_c(arrivals: float, handle_s: float, agents: int, target_s: float) -> Theory:
    """Nobody gives up. The load must be below the number of agents."""
    load = arrivals * handle_s
    blocked = 1.0
    for number in range(1, agents + 1):
        blocked = load * blocked / (number + load * blocked)
    delayed = agents * blocked / (agents - load * (1 - blocked))
    spare = (agents - load) / handle_s
    return Theory(delayed, 0.0, delayed / spare, load / agents, 1 - delayed * exp(-spare * target_s))


def erlang_a(arrivals: float, handle_s: float, agents: int, patience_s: float) -> Theory:
    """Callers give up after an exponential time with mean ``patience_s``."""
    weights, number = [1.0], 0
    while number < agents or weights[-1] > _NEGLIGIBLE * max(weights):
        number += 1
        leaving = min(number, agents) / handle_s + max(0, number - agents) / patience_s
        weights.append(weights[-1] * arrivals / leaving)
    total = sum(weights)
    shares = [weight / total for weight in weights]
    waiting = sum(share * max(0, number - agents) for number, share in enumerate(shares))
    working = sum(share * min(number, agents) for number, share in enumerate(shares))
    return Theory(sum(shares[agents:]), waiting / patience_s / arrivals, waiting / arrivals, working / agents)
