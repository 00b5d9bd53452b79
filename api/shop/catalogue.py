"""What the demo shop sells. A product's name in the path is also its category in events, so that
page views and orders are one dialogue."""

import msgspec


class Product(msgspec.Struct, frozen=True, kw_only=True):
    """One product; the price is in cents of a euro."""

    name: str
    title: str
    price: int
    claim: str
    introduction: str
    facts: tuple[tuple[str, str], ...]


_PRODUCTS = (
    Product(
        name="shoes",
        title="Walking shoes",
        price=11900,
        claim="From the door to the ridge, and back before dark.",
        introduction="Light enough to forget, firm enough for a path that is none. We walked a "
        "prototype for two years before we sold the first pair.",
        facts=(
            ("Upper", "Waxed cowhide, 1.8 mm"),
            ("Sole", "Natural rubber, can be replaced"),
            ("Weight", "410 g a shoe in size 42"),
            ("Sizes", "36 to 47, half sizes too"),
        ),
    ),
    Product(
        name="socks",
        title="Wool socks",
        price=1800,
        claim="Dry on the third day, too.",
        introduction="Knitted on a machine from 1961 that only one person can still set. Merino "
        "inside, a little nylon where shoes rub.",
        facts=(
            ("Yarn", "72 % merino, 26 % nylon, 2 % elastane"),
            ("Knit", "Terry sole, flat toe seam"),
            ("Wash", "40 degrees, inside out"),
            ("Sizes", "36 to 39, 40 to 43, 44 to 47"),
        ),
    ),
    Product(
        name="coat",
        title="Rain coat",
        price=24900,
        claim="For weather that others call bad.",
        introduction="A long coat that breathes, with pockets where hands look for them, and a "
        "hood that turns with the head.",
        facts=(
            ("Cloth", "Dense cotton, 3 layers, no membrane"),
            ("Rain", "Water column 10,000 mm"),
            ("Pockets", "Five, two of them warm"),
            ("Sizes", "XS to XXL"),
        ),
    ),
    Product(
        name="hat",
        title="Felt hat",
        price=7900,
        claim="Keeps its shape, and yours.",
        introduction="Pressed over beech blocks, brushed by hand, and willing to be sat upon once "
        "a year.",
        facts=(
            ("Felt", "Wool, 180 g"),
            ("Brim", "6.5 cm"),
            ("Band", "Cotton, sewn"),
            ("Sizes", "54 to 61"),
        ),
    ),
    Product(
        name="bag",
        title="Day bag",
        price=13900,
        claim="Everything for a day, nothing for two.",
        introduction="Eighteen litres, one opening and no rattling buckles. It stands upright "
        "where you put it.",
        facts=(
            ("Cloth", "Waxed canvas, 500 g/m²"),
            ("Room", "18 litres, laptops up to 14 inches"),
            ("Weight", "780 g"),
            ("Repair", "Ten years, free"),
        ),
    ),
    Product(
        name="umbrella",
        title="Stick umbrella",
        price=5900,
        claim="Turned inside out and back, four hundred times.",
        introduction="Eight ribs of fibreglass and a handle of ash. If the wind wins, we send the "
        "part that broke.",
        facts=(
            ("Ribs", "Eight, fibreglass"),
            ("Span", "112 cm"),
            ("Handle", "Ash, oiled"),
            ("Length", "88 cm closed"),
        ),
    ),
)

PRODUCTS = {product.name: product for product in _PRODUCTS}
"""Name in the path -> product."""
