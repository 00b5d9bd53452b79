"""Hold-outs: customers without messages, chosen by a stable hash."""

from xxhash import xxh3_64_intdigest


def is_held_out(key: str, share: float, campaign: str = "") -> bool:
    """Whether the customer `key` is in the hold-out of `share` (0 to 1), of a `campaign` or global.

    64-bit XXH3 of (campaign, key) against share of 2^64: the same for the same customer always and
    everywhere, and independent from campaign to campaign.
    """
    if share <= 0:
        return False
    hashed = xxh3_64_intdigest(f"{campaign}\x1f{key}".encode("utf-8", "surrogatepass"))
    return hashed < share * 2.0**64
