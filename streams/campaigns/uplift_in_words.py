"""The effect of a campaign as a sentence; every figure with its interval."""

from streams.campaigns.uplift import Estimate, Uplift


def uplift_in_words(effect: Uplift) -> str:
    """The verdict and the figure that decides it, as a sentence."""
    shown = decisive(effect)
    if shown is None:
        missing = "held out" if effect.treated.customers else "treated"
        return f"too early: nobody {missing} has had the time to convert"
    said = f"uplift {points(shown)} percentage points"
    if effect.verdict == "too early":
        return f"too early, about {effect.more_customers:,} more customers are needed: {said}"
    return f"{effect.verdict}: {said}"


def decisive(effect: Uplift) -> Estimate | None:
    """The uplift with the interval that decides the verdict."""
    return effect.uplift_any_time if effect.looks == "any" else effect.uplift


def percent(share: Estimate) -> str:
    """`12.3% (10.1 to 14.6)`."""
    return f"{share.value:.1%} ({100 * share.low:.1f} to {100 * share.high:.1f})"


def points(difference: Estimate) -> str:
    """`+2.1 (-0.3 to +4.5)`: percentage points, or percent of a relative uplift."""
    value, low, high = (100 * at for at in (difference.value, difference.low, difference.high))
    return f"{value:+.1f} ({low:+.1f} to {high:+.1f})"
