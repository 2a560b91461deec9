"""Pictures of a report as inline SVG, written without a plotting library.

Each module has `draw(...) -> Markup`: one or more `<svg role="img">` with a title and a description
of their own, 400 units wide, so that text of 12 units is readable on a telephone too. Colours come
from the classes of `pictures.css` and `graph.css`, which follow the reader's light or dark setting.
"""
