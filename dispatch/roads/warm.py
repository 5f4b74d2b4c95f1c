"""A command that compiles the code of the roads and the solver, so that no request waits. PURE.

python -m dispatch.roads.warm

Run it when Lastmile is installed and after each change of this code.
"""

from __future__ import annotations

import numpy as np

from dispatch.roads import hierarchy, sweep
from dispatch.solver import warm


def main() -> None:
    """Compile the solver, then the pass over a network of two nodes."""
    warm.main()
    tail, head = np.array([0, 1], np.int32), np.array([1, 0], np.int32)
    shape = hierarchy.build(2, tail, head)
    for array in (shape.up_first, shape.up_head, shape.parent):
        array.setflags(write=False)  # as in a file that is mapped read-only
    metric = hierarchy.customise(shape, tail, head, hierarchy.weights([1, 1], [1, 1]))
    node, cost = np.zeros((1, 2), np.int32), np.zeros((1, 2), np.int64)
    sweep.to_all(metric, hierarchy.Ends(node[:, 0], node, cost, node, cost))


if __name__ == "__main__":
    main()
