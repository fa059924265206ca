"""Who the demo's customers are: of a company that sells weather and maps over an API."""

from dataclasses import dataclass
from typing import Literal

Fate = Literal[
    "steady", "trial", "past_due", "free", "pending", "suspended", "closed", "cancelled", "deleted"
]


@dataclass(frozen=True)
class Company:
    name: str
    site: str
    plan: str
    """A slug; empty for customers without a subscription."""
    fate: Fate
    people: str
    """Names, the owner's first."""
    keys: int
    day: float
    """When they came, in days since the month began."""


@dataclass(frozen=True)
class Offer:
    slug: str
    name: str
    description: str
    max_keys: int | None
    max_lifetime: str
    scopes: tuple[str, ...]


_FREE = ("forecast:read",)
_GROWTH = (*_FREE, "history:read", "tiles:read")
_ALL = (*_GROWTH, "alerts:read", "geocode:read", "bulk:export")

FREE = Offer("default", "Free", "To try the forecast and build a first prototype.", 2, "30d", _FREE)
OFFERS = (
    Offer("growth", "Growth", "For one product in production, with past weather and map tiles.",
          10, "90d", _GROWTH),
    Offer("business", "Business", "For several teams: storm alerts, address search and bulk exports too.",
          25, "180d", _ALL),
    Offer("enterprise", "Enterprise", "For fleets and resellers: a key for each ship, site or customer.",
          None, "1y", _ALL),
)  # fmt: skip

SHOWN = "Harbourlight Shipping"
"""The customer whose owner a visitor may sign in as."""

COMPANIES = (
    Company(SHOWN, "harbourlight", "business", "steady",
            "Mara Lindholm, Tobias Falk, Ines Moreira, Owen Price, Sana Qureshi", 9, 0.2),
    Company("Aurora Ski Resorts", "auroraski", "growth", "steady", "Henrik Solberg, Kaja Nystrom", 3, 0.3),
    Company("Delta Crop Science", "deltacrop", "enterprise", "steady",
            "Priya Raman, Lukas Weber, Amara Diallo, Chen Wei", 6, 0.4),
    Company("Fernweh Travel", "fernweh", "growth", "steady", "Jule Brandt, Karim Haddad", 3, 0.5),
    Company("Gridwise Energy", "gridwise", "enterprise", "steady",
            "Sofia Conti, Matteo Greco, Helen Zhou, Dmitri Volkov", 7, 0.6),
    Company("Pedalpost Couriers", "pedalpost", "growth", "steady", "Noor de Vries, Bram Visser", 4, 1.1),
    Company("Kitesail Insurance", "kitesail", "business", "steady",
            "Grace Adeyemi, Paul Lambert, Yuki Tanaka", 5, 1.4),
    Company("Old Mill Bakery", "oldmill", "", "free", "Agnes Keller", 1, 1.6),
    Company("Northfield Airport", "northfield-airport", "enterprise", "steady",
            "Ruth Carver, Samuel Okoro, Elif Demir", 6, 2.2),
    Company("Trailmate", "trailmate", "growth", "past_due", "Joao Pinto, Marta Silva", 3, 2.3),
    Company("Sunharvest Solar", "sunharvest", "business", "steady",
            "Carmen Ortiz, Diego Ruiz, Lena Vogel", 5, 3.1),
    Company("Bluewater Ferries", "bluewater", "growth", "steady", "Isla MacLeod, Euan Ross", 3, 3.4),
    Company("Festiva Events", "festiva", "growth", "suspended", "Bruno Costa, Livia Rocha", 3, 3.7),
    Company("Cartographe Studio", "cartographe", "", "free", "Chloe Marchand, Luc Fontaine", 2, 4.2),
    Company("Rapid Rescue Drones", "rapidrescue", "business", "steady",
            "Anders Holm, Freja Lund, Mikkel Berg", 4, 5.1),
    Company("Vineyard Valley", "vineyardvalley", "growth", "steady", "Elena Popescu", 2, 5.5),
    Company("Metro Transit Lab", "metrotransit", "enterprise", "steady",
            "Daniel Kim, Aisha Bello, Tom Becker", 5, 6.3),
    Company("Snowline Apps", "snowline", "", "free", "Petra Novak", 2, 6.6),
    Company("Roofwise", "roofwise", "growth", "cancelled", "Nathan Cole, Zoe Barker", 2, 7.1),
    Company("Coastal Watch", "coastalwatch", "business", "steady", "Fiona Byrne, Liam Doyle", 3, 8.2),
    Company("Harvest Moon Farms", "harvestmoon", "growth", "steady", "Walter Schmitt, Eva Schmitt", 2, 9.3),
    Company("Quickstay Rentals", "quickstay", "growth", "closed", "Victor Hale", 2, 9.7),
    Company("Windrose Sailing", "windrose", "", "free", "Astrid Olsen", 1, 10.4),
    Company("Parcelhop", "parcelhop", "growth", "steady", "Rohan Mehta, Divya Nair", 3, 11.2),
    Company("Citylight Signage", "citylight", "growth", "past_due", "Monique Laurent", 2, 12.5),
    Company("Terra Survey Group", "terrasurvey", "business", "steady",
            "Oskar Lind, Maja Kowalska, Piotr Zielinski", 4, 13.1),
    Company("Runclub", "runclub", "", "free", "Jamie Osei", 1, 14.3),
    Company("Orchard Analytics", "orchard", "growth", "steady", "Hannah Stein, Felix Roth", 3, 15.2),
    Company("Mistral Windparks", "mistral", "enterprise", "steady",
            "Antoine Girard, Camille Petit, Nils Bauer", 4, 16.4),
    Company("Beachcam", "beachcam", "", "deleted", "Kyle Morgan", 1, 16.9),
    Company("Stormproof Homes", "stormproof", "growth", "steady", "Abigail Frost", 2, 18.1),
    Company("Glacier Tours", "glaciertours", "growth", "trial",
            "Bjorn Eiriksson, Sigrun Jonsdottir", 2, 19.6),
    Company("Urban Canopy", "urbancanopy", "growth", "trial", "Leila Farouk", 2, 21.3),
    Company("Signal Peak Radio", "signalpeak", "", "free", "Marcus Webb", 1, 22.4),
    Company("Freshlane Grocery", "freshlane", "business", "trial", "Gabriela Santos, Ivan Petrov", 3, 24.1),
    Company("Hikers Hub", "hikershub", "", "free", "Nina Holt", 1, 25.6),
    Company("Skybridge Aviation", "skybridge", "business", "trial", "Omar Rahman, Stella Ricci", 2, 27.2),
    Company("Lumen Concerts", "lumenconcerts", "growth", "pending", "Theo Marsh", 0, 28.3),
    Company("Polar Freight", "polarfreight", "business", "pending", "Ingrid Haugen", 0, 29.1),
    Company("Dewpoint Wines", "dewpoint", "growth", "pending", "Sylvie Blanc", 0, 29.6),
)  # fmt: skip
