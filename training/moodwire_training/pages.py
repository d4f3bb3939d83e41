"""Self-contained HTML pages with pictures in them."""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Iterable, Sequence
from typing import Any

STYLE = """
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { max-width: 70rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; margin: 1rem 0; }
th, td { padding: .25rem .75rem; border-bottom: 1px solid #8886; text-align: right; }
th:first-child, td:first-child, .text { text-align: left; }
img { max-width: 100%; background: white; border-radius: .5rem; }
.warning { padding: .5rem 1rem; border-left: .3rem solid #c60; background: #c601; }
"""

LONGEST_FIGURE = 20
"""A column with longer cells is read as text, from the left."""


def figure(picture: Any, caption: str) -> str:
    """A Matplotlib figure as an <img> that needs no file beside the page."""
    content = io.BytesIO()
    picture.savefig(content, format="png", dpi=110, bbox_inches="tight")
    code = base64.b64encode(content.getvalue()).decode()
    text = html.escape(caption)
    image = f'<img alt="{text}" src="data:image/png;base64,{code}">'
    return f"<figure>{image}<figcaption>{text}</figcaption></figure>"


def table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    cells = [[html.escape(str(cell)) for cell in row] for row in rows]
    kinds = [
        ' class="text"' if max(map(len, column), default=0) > LONGEST_FIGURE else ""
        for column in zip(*cells, strict=True)
    ] or [""] * len(header)
    titles = map(html.escape, header)
    head = "".join(f"<th{kind}>{name}</th>" for kind, name in zip(kinds, titles, strict=True))
    body = "".join(
        "<tr>"
        + "".join(f"<td{kind}>{cell}</td>" for kind, cell in zip(kinds, row, strict=True))
        + "</tr>"
        for row in cells
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def warning(text: str) -> str:
    return f'<p class="warning">{html.escape(text)}</p>'


def page(title: str, parts: Iterable[str]) -> str:
    text = html.escape(title)
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{text}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{STYLE}</style></head>'
        f"<body><h1>{text}</h1>{''.join(parts)}</body></html>\n"
    )
