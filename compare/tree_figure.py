"""Overlaps of machines as a picture: the matrix, sorted by its tree, and the tree over it."""

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.image import AxesImage
from scipy.cluster import hierarchy

from compare.trees import Tree


def draw(
    top: Axes, bottom: Axes, tree: Tree, names: Sequence[str] = (), low: float = 0.0, cmap: str = "viridis"
) -> AxesImage:
    """The tree on ``top``, the matrix on ``bottom``, coloured from ``low`` to 1; returns what a colour bar
    is made of. ``names`` are those of the machines in their own order, written at the rows."""
    hierarchy.dendrogram(tree.linkage, ax=top, no_labels=True, link_color_func=lambda _: "0.2")
    top.set_axis_off()
    picture = bottom.imshow(tree.matrix, vmin=low, vmax=1, cmap=cmap, interpolation="nearest")
    bottom.set_xticks([])
    bottom.set_yticks(range(len(names)))
    bottom.set_yticklabels([names[i] for i in tree.order] if names else [], fontsize=5)
    return picture
