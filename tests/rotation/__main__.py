"""``make rotation-drill``: five minutes of it; prints figures, exits 1 when one is not 0."""

import argparse
import random
import sys
import tempfile
from pathlib import Path

from tests.rotation.drill import prepared

SECONDS, LEAD_SECONDS, ROTATE_EVERY_SECONDS, PER_SECOND = 300, 10, 15, 200


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.rotation", description=__doc__)
    parser.add_argument("--seconds", type=float, default=SECONDS)
    parser.add_argument("--seed", type=int, default=random.randrange(2**32))
    options = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as folder,
        prepared(Path(folder), lead_seconds=LEAD_SECONDS, seed=options.seed) as drill,
    ):
        figures = drill.run(
            seconds=options.seconds, rotate_every_seconds=ROTATE_EVERY_SECONDS, each_per_second=PER_SECOND / 4
        )
    total = figures.good + figures.bad
    print(f"rotation drill, seed {options.seed}: {total} requests, {total / options.seconds:.0f} a second")
    for name, sent in figures.sent.items():
        print(f"  {name:16} {sent:6} requests")
    print(f"  {figures.rotations} rotations, good keys of {len(figures.signing_keys)} signing keys")
    print(f"  good keys refused: {len(figures.refused)} of {figures.good}")
    print(f"  bad keys let in:   {len(figures.accepted)} of {figures.bad}")
    for line in [*figures.refused[:20], *figures.accepted[:20], *figures.errors]:
        print(f"  ! {line}")
    expected = int(options.seconds / ROTATE_EVERY_SECONDS / 2)
    if figures.rotations < expected:
        print(f"  ! only {figures.rotations} rotations: this machine is too slow for a drill")
    found = figures.refused or figures.accepted or figures.errors
    return 1 if found or figures.rotations < expected else 0


if __name__ == "__main__":
    sys.exit(main())
