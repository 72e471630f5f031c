"""The picture of an example that prints and draws nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sphinx.application import Sphinx


def draw(app: Sphinx, config: Any) -> None:
    """Write it where the gallery is told to look."""
    from matplotlib.figure import Figure

    target = Path(config.sphinx_gallery_conf["default_thumb_file"])
    target.parent.mkdir(exist_ok=True)
    figure = Figure(figsize=(4, 2.8))
    figure.text(0.5, 0.55, r"$\tau_\parallel,\ \tau_\perp,\ \omega_L$", ha="center", size=26)
    figure.text(0.5, 0.3, r"$\rho_L,\ \rho_T$", ha="center", size=26)
    figure.savefig(target, dpi=100)


def setup(app: Sphinx) -> dict[str, Any]:
    """Draw before the gallery reads its settings."""
    app.connect("config-inited", draw, priority=1)
    return {"parallel_read_safe": True}
