"""What stands in a portal's database of any size: N customers, 5 N keys and what goes with them.

The rows are made inside the database, by one ``INSERT … SELECT`` a table, and are the same each
time but for the instants, which span the two years before now. They satisfy every constraint;
only the audit chains don't verify, for nobody computed their HMACs. ``bench.bulk_load`` runs it.
"""

from collections.abc import Callable
from dataclasses import dataclass

YEARS = 2
SECONDS = YEARS * 365 * 86_400
HEAVY = 5
"""So many customers share a tenth of all keys."""

FIRST = [
    "Ada", "Ben", "Cleo", "Dan", "Eva", "Finn", "Gia", "Hugo",
    "Ines", "Jonas", "Kira", "Liam", "Mara", "Noah", "Olga", "Pia",
]  # fmt: skip
LAST = [
    "Adler", "Brandt", "Costa", "Dubois", "Eriksen", "Fischer", "Garcia",
    "Haddad", "Ito", "Jansen", "Kowalski", "Larsen", "Moreau",
]  # fmt: skip
MARK = [
    "Northwind", "Bluebird", "Harbour", "Lighthouse", "Meridian", "Cobalt",
    "Juniper", "Atlas", "Summit", "Quarry", "Ember", "Tidal",
]  # fmt: skip
TRADE = [
    "Logistics", "Weather", "Robotics", "Foods", "Mobility", "Health",
    "Energy", "Retail", "Maps", "Payments", "Travel",
]  # fmt: skip
FORM = [
    "Ltd", "GmbH", "Inc", "SAS", "BV", "AB", "Srl",
]  # fmt: skip


@dataclass(frozen=True)
class Dialect:
    """What the two databases write differently."""

    series: Callable[[int], str]
    """A table of the numbers 1 to n, in the column ``i``."""
    ago: Callable[[str], str]
    """The instant that many seconds before now."""
    days: Callable[[str], str]
    """A span of that many days."""
    json: Callable[[str], str]


POSTGRESQL = Dialect(
    series=lambda n: f"generate_series(1::bigint, {n}) AS series(i)",
    ago=lambda seconds: f"(now() - make_interval(secs => ({seconds})))",
    days=lambda days: f"make_interval(days => ({days})::int)",
    json=lambda text: f"({text})::jsonb",
)
SQLITE = Dialect(
    series=lambda n: (
        f"(WITH RECURSIVE counted(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM counted WHERE i < {n})"
        " SELECT i FROM counted) AS series"
    ),
    ago=lambda seconds: f"datetime('now', -({seconds}) || ' seconds')",
    days=lambda days: f"({days}) * 86400000000",
    json=lambda text: text,
)


def mix(number: str, salt: int, below: int) -> str:
    """A number from 0 to ``below`` - 1 that looks random and is the same each time."""
    return f"((({number}) * {2_654_435_761 + salt * 7_368_787}) % 2147483647 % {below})"


def word(words: list[str], number: str, salt: int) -> str:
    """One of the words, chosen by ``mix``."""
    width = max(map(len, words))
    row = "".join(text.ljust(width) for text in words)
    start = f"CAST(1 + {width} * {mix(number, salt, len(words))} AS integer)"
    return f"rtrim(substr('{row}', {start}, {width}))"


def public_id(noun: str, number: str) -> str:
    return f"'{noun}_' || substr(md5('{noun}' || ({number})), 1, 20)"


def rows(customers: int, sql: Dialect, signing_key: int) -> list[tuple[str, int, dict[str, str]]]:
    """Table, number of rows, and what stands in each column of row ``i``."""
    keys = 5 * customers
    # A rotated key, every 20th, belongs to whom the one before it belongs to.
    same = "(i - CASE WHEN i % 20 = 0 THEN 1 ELSE 0 END)"
    heavy = f"{mix(same, 1, 10)} = 0"
    holder = f"(1 + CASE WHEN {heavy} THEN {mix(same, 2, HEAVY)} ELSE {mix(same, 3, customers)} END)"

    def age(number: str, count: int) -> str:
        return f"({SECONDS} - ({number}) * {SECONDS} / {count + 1})"

    return [
        ("portal_plan", 4, {
            "id": "100 + i", "slug": "'plan-' || i", "name": "'Plan ' || i", "max_lifetime": "''",
            "scopes": sql.json("""'["read"]'"""), "requires_subscription": "false",
            "plugins": sql.json("'[]'"), "created_at": sql.ago(str(SECONDS)),
        }),
        ("portal_customer", customers, _customer(sql, age("i", customers))),
        ("portal_user", customers * 3 // 2, {
            "id": "i", "public_id": public_id("usr", "i"), "password": "'!' || md5('pw' || i)",
            "email": _email("i"), "name": f"{word(FIRST, 'i', 11)} || ' ' || {word(LAST, 'i', 12)}",
            "is_superuser": "false", "is_staff": "false", "is_active": "i % 50 <> 0",
            "date_joined": sql.ago(age("i", customers * 3 // 2)),
        }),
        ("account_emailaddress", customers * 3 // 2, {
            "id": "i", "user_id": "i", "email": _email("i"), "verified": "true", '"primary"': "true",
        }),
        ("portal_membership", customers * 3 // 2, {
            "id": "i", "user_id": "i", "customer_id": f"1 + (i - 1) % {customers}",
            "role": f"CASE WHEN i <= {customers} THEN 'owner' WHEN i % 5 = 0 THEN 'admin'"
            " ELSE 'developer' END",
            "created_at": sql.ago(age("i", customers * 3 // 2)),
        }),
        ("portal_subscription", customers * 4 // 5, {
            "id": "i", "public_id": public_id("sub", "i"), "external_id": "'bill-' || i",
            "customer_id": "i + (i - 1) / 4", "plan_id": f"101 + {mix('i', 21, 4)}",
            "status": "CASE WHEN i % 10 = 0 THEN 'cancelled' WHEN i % 25 = 1 THEN 'past_due'"
            " WHEN i % 20 = 2 THEN 'trialing' ELSE 'active' END",
            "created_at": sql.ago(age("i", customers * 4 // 5)),
        }),
        ("portal_issuedkey", keys, _key(sql, customers, age("i", keys), holder, signing_key)),
        ("portal_managementtoken", customers // 5, {
            "id": "i", "public_id": public_id("tok", "i"), "name": "'script ' || i", "owner_id": "i",
            "customer_id": "i", "scopes": sql.json("""'["keys:read"]'"""), "digest": "md5('tok' || i)",
            "last4": "'abcd'", "created_at": sql.ago(age("i", customers // 5)),
            "created_by": f"'user ' || {public_id('usr', 'i')}",
        }),
        ("portal_provideraccount", customers // 3, {
            "id": "i", "plugin": "'auth0-m2m'", "customer_id": "i", "kind": "'organization'",
            "external_id": "'org_' || md5('org' || i)", "state": "'ready'",
            "created_at": sql.ago(age("i", customers // 3)),
        }),
        ("portal_auditevent", 6 * customers, _event(sql, age("i", 6 * customers))),
        ("portal_audithead", customers, {
            "id": "1000 + i", "chain": public_id("cus", "i"), "count": "6", "last_mac": "md5('m' || i)",
            "purged": "0", "purged_mac": "''", "mac": "md5('h' || i)",
        }),
    ]  # fmt: skip


def _email(number: str) -> str:
    name = f"lower({word(FIRST, number, 11)} || '.' || {word(LAST, number, 12)})"
    return f"{name} || ({number}) || '@' || lower({word(MARK, number, 13)}) || '.example'"


def _customer(sql: Dialect, age: str) -> dict[str, str]:
    deleted = "i % 100 = 50"
    name = f"{word(MARK, 'i', 13)} || ' ' || {word(TRADE, 'i', 14)} || ' ' || {word(FORM, 'i', 15)}"
    email = f"'billing' || i || '@' || lower({word(MARK, 'i', 13)}) || '.example'"
    return {
        "id": "i", "public_id": public_id("cus", "i"), "created_at": sql.ago(age),
        "external_id": f"CASE WHEN i % 3 = 0 THEN {public_id('cus', 'i')} ELSE 'acct-' || i END",
        "name": f"CASE WHEN {deleted} THEN '' ELSE {name} END",
        "email": f"CASE WHEN {deleted} OR i % 20 = 7 THEN '' ELSE {email} END",
        "status": f"CASE WHEN {deleted} OR i % 25 = 3 THEN 'closed' WHEN i % 25 = 4 THEN 'pending'"
        " WHEN i % 33 = 5 THEN 'suspended' ELSE 'active' END",
        "deleted_at": f"CASE WHEN {deleted} THEN {sql.ago('0')} END",
    }  # fmt: skip


def _key(sql: Dialect, customers: int, age: str, holder: str, signing_key: int) -> dict[str, str]:
    fate, life = mix("i", 31, 1000), mix("i", 32, 10)
    days = f"CASE WHEN {life} < 3 THEN 30 WHEN {life} < 6 THEN 90 WHEN {life} < 9 THEN 365 END"
    made = f"{fate} >= 45"  # else it failed or is under way
    local = f"{mix('i', 33, 10)} < 7"
    over = f"coalesce(({days}) * 86400 <= {age}, false)"
    return {
        "id": "i", "public_id": public_id("key", "i"), "customer_id": holder,
        "user_id": holder, "name": f"{word(TRADE, 'i', 34)} || ' ' || i % 9",
        "subscription_id": f"CASE WHEN {holder} % 5 BETWEEN 1 AND 4 AND {holder} < {customers}"
        f" THEN {holder} - {holder} / 5 END",
        "plugin": f"CASE WHEN {local} THEN 'jwt' WHEN {mix('i', 33, 10)} < 9 THEN 'auth0-m2m' ELSE 'tyk' END",
        "status": f"CASE WHEN {fate} < 33 THEN 'failed' WHEN {fate} < 38 THEN 'needs_attention'"
        f" WHEN {fate} < 45 THEN 'requested'"
        f" WHEN {fate} < 160 THEN 'revoked' WHEN {over} THEN 'expired' ELSE 'active' END",
        "scopes": sql.json("""'["read"]'"""), "lifetime": f"CASE WHEN {life} < 9 THEN {sql.days(days)} END",
        "external_id": f"CASE WHEN {made} AND NOT ({local}) THEN md5('x' || i) ELSE '' END",
        "signing_key_id": f"CASE WHEN {made} AND {local} THEN {signing_key} END",
        "jti": f"CASE WHEN {made} AND {local} THEN md5('j' || i) END", "public": sql.json("'{}'"),
        "prefix": f"CASE WHEN {made} THEN 'eyJhbGci' ELSE '' END",
        "last4": f"CASE WHEN {made} THEN substr(md5('l' || i), 1, 4) ELSE '' END",
        "fingerprint": f"CASE WHEN {made} THEN md5('a' || i) || md5('b' || i) END", "sealed_secret": "''",
        "created_at": sql.ago(age), "activated_at": f"CASE WHEN {made} THEN {sql.ago(age)} END",
        "expires_at": f"CASE WHEN {made} AND {life} < 9 THEN {sql.ago(f'{age} - 86400 * ({days})')} END",
        "revoked_at": f"CASE WHEN {fate} BETWEEN 45 AND 159 THEN {sql.ago(age + '/ 2')} END",
        "revoke_reason": f"CASE WHEN {fate} BETWEEN 45 AND 159 THEN 'replaced' ELSE '' END",
        "revealed_at": f"CASE WHEN {made} THEN {sql.ago(age)} END",
        "last_used_at": f"CASE WHEN {fate} BETWEEN 160 AND 800 THEN {sql.ago(f'{age} / 9')} END",
        "rotated_from_id": "CASE WHEN i % 20 = 0 THEN i - 1 END",
        "created_by": f"'user ' || {public_id('usr', holder)}",
    }  # fmt: skip


def operations_of_keys() -> str:
    """One operation a key, ended as the key did: the keys are there already."""
    state = (
        "CASE k.status WHEN 'failed' THEN 'failed' WHEN 'needs_attention' THEN 'needs_attention'"
        " WHEN 'requested' THEN CASE WHEN k.id % 3 = 0 THEN 'queued' ELSE 'retrying' END ELSE 'succeeded' END"
    )
    kept = "k.status IN ('failed', 'needs_attention') OR k.id % 12 = 8"
    ended = "k.status NOT IN ('needs_attention', 'requested')"
    return f"""INSERT INTO portal_operation (id, public_id, kind, plugin, state, run_after, scheduled_at,
        owner, attempts, crashes, error_code, error_detail, created_at, finished_at, customer_id, key_id,
        user_id, cancel_requested, confirmed_absent)
      SELECT k.id, {public_id("op", "k.id")}, 'issue_key', k.plugin, {state},
        CASE WHEN k.status <> 'needs_attention' THEN k.created_at END, k.created_at, '',
        CASE WHEN {kept} THEN 3 ELSE 1 END, 0, CASE WHEN {kept} THEN 'provider_unavailable' ELSE '' END, '',
        k.created_at, CASE WHEN {ended} THEN k.created_at END, k.customer_id, k.id, k.user_id, false, false
      FROM portal_issuedkey k ORDER BY k.id"""


def _event(sql: Dialect, age: str) -> dict[str, str]:
    key = "(1 + (i - 1) * 5 / 6)"
    customer = "(1 + (i - 1) / 6)"
    return {
        "id": "1000 + i", "public_id": public_id("evt", "i"), "at": sql.ago(age),
        "actor": f"CASE WHEN i % 3 = 0 THEN 'system portal' ELSE 'user ' || {public_id('usr', customer)} END",
        "action": "CASE i % 6 WHEN 0 THEN 'key.requested' WHEN 1 THEN 'key.activated' WHEN 2 THEN"
        " 'key.revealed' WHEN 3 THEN 'member.added' WHEN 4 THEN 'customer.changed' ELSE 'key.revoked' END",
        "object": public_id("key", key), "customer_id": customer, "detail": sql.json("'{}'"),
        "chain": public_id("cus", customer), "number": "i", "mac": "md5('e' || i) || md5('f' || i)",
    }  # fmt: skip
