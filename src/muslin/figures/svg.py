"""SVG markup that a notebook shows, with a PNG for places that do not show SVG."""

from __future__ import annotations


class Svg(str):
    """An `<svg>` element as text. A notebook shows the drawing, not the text."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"<Svg drawing, {len(self):,} characters>"

    def _repr_svg_(self) -> str:
        return str(self)

    def _repr_mimebundle_(self, **options: object) -> tuple[dict[str, str], dict[str, object]]:
        from muslin.figures.svg_drawing import to_figure  # noqa: PLC0415  (matplotlib: only where the drawing is shown)

        # Notebooks show SVG only after the reader trusts them, so the PNG comes with it.
        data, metadata = to_figure(self)._repr_mimebundle_(**options)
        return {**data, "image/svg+xml": str(self), "text/plain": repr(self)}, metadata
