"""The pictures on one page, to look through."""

from __future__ import annotations

import json
from collections.abc import Sequence
from html import escape
from pathlib import Path

from tests.screens.camera import Shot

STYLE = """
body { font: 14px/1.4 system-ui; margin: 24px; background: #eef0f3; color: #1d2430 }
section { margin: 0 0 32px } h2 { font-size: 15px; margin: 0 0 6px }
.row { display: grid; grid-template-columns: repeat(6, 1fr); gap: 8px }
a { display: block; color: inherit } small { color: #5b6573 }
img { width: 100%; aspect-ratio: 1280 / 800; object-fit: cover; object-position: top; border: 1px solid #ccd2da }
.bad { color: #b3261e }
"""


def write(shots: Sequence[Shot], folder: Path) -> None:
    """index.html and shots.json beside the pictures; what is there of earlier runs stays to be seen."""
    folder.mkdir(parents=True, exist_ok=True)
    place = folder / "shots.json"
    before = json.loads(place.read_text()) if place.exists() else []
    every = {(one["name"], one["state"]): one for one in [*before, *map(vars, shots)]}
    place.write_text(json.dumps(list(every.values()), indent=1, ensure_ascii=False))
    lines = ["<!doctype html><meta charset=utf-8><title>Screens</title>", f"<style>{STYLE}</style>"]
    for name in dict.fromkeys(name for name, _state in every):
        mine = [one for (other, _state), one in every.items() if other == name]
        lines.append(f"<section><h2>{escape(name)}</h2><div class=row>")
        for one in mine:
            for theme in ("light", "dark"):
                picture = f"{one['state']}/{theme}/{name}.png"
                whole = f"{one['state']}/{theme}/{name}.full.png"
                link = whole if (folder / whole).exists() else picture
                if (folder / picture).exists():
                    lines.append(
                        f'<a href="{escape(link)}"><img loading=lazy src="{escape(picture)}" alt="">'
                        f"<small>{one['state']} {theme}</small></a>"
                    )
        lines.append("</div>")
        lines += [f"<div class=bad>{one['state']}: {escape(line)}</div>" for one in mine for line in one["findings"]]
        lines += [f"<small>{one['state']}: {escape(line)}</small><br>" for one in mine for line in one["notes"]]
        lines.append("</section>")
    (folder / "index.html").write_text("\n".join(lines))
