"""Lattices that are bilinear in each cell: evaluation, and inversion by Newton's method."""

from __future__ import annotations

import numpy as np

from fastecg.kernels.jit import jit, subkernel

_ROUNDS = 16  # Largest number of iterations of Newton's method.
_CLOSE = 1e-7  # Tolerance, in cells, within which a point is inside a cell.
_EXACT = 1e-12  # Residual, in cells, below which the method has converged.


@jit
def lookup(points, values, origin, step, out):
    """Write `values` (rows, columns, 2), interpolated bilinearly at `points` (n, 2), to `out` (n, 2).

    Nodes lie at origin + step * (column, row). Beyond the lattice, its edge cells are continued. Points that are not finite give NaN.
    """
    rows, columns = values.shape[0], values.shape[1]
    for k in range(len(points)):
        u = (points[k, 0] - origin[0]) / step[0]
        v = (points[k, 1] - origin[1]) / step[1]
        if not (np.isfinite(u) and np.isfinite(v)):
            out[k, 0] = np.nan
            out[k, 1] = np.nan
            continue
        # A point on the last node belongs to the last cell.
        j = min(max(int(np.floor(u)), 0), columns - 2)
        i = min(max(int(np.floor(v)), 0), rows - 2)
        s, t = u - j, v - i
        for axis in range(2):
            a, b = values[i, j, axis], values[i, j + 1, axis]
            c, d = values[i + 1, j, axis], values[i + 1, j + 1, axis]
            top, bottom = a + s * (b - a), c + s * (d - c)
            out[k, axis] = top + t * (bottom - top)


@jit
def lookup_plane(points, values, origin, step, outside, out):
    """Do the same as `lookup` for `values` (rows, columns) float32 and `out` (n,). Points that are not finite give `outside`."""
    rows, columns = values.shape[0], values.shape[1]
    for k in range(len(points)):
        u = (points[k, 0] - origin[0]) / step[0]
        v = (points[k, 1] - origin[1]) / step[1]
        if not np.isfinite(u + v):
            out[k] = outside
            continue
        j = np.uint64(min(max(np.floor(u), 0.0), columns - 2.0))
        i = np.uint64(min(max(np.floor(v), 0.0), rows - 2.0))
        s, t = np.float32(u - j), np.float32(v - i)
        next_j, next_i = j + np.uint64(1), i + np.uint64(1)
        top = values[i, j] + s * (values[i, next_j] - values[i, j])
        bottom = values[next_i, j] + s * (values[next_i, next_j] - values[next_i, j])
        out[k] = top + t * (bottom - top)


@subkernel
def solve_cell(ax, ay, bx, by, cx, cy, dx, dy, px, py, s, t):
    """Solve for the position (s, t) in a cell at which the bilinear map is p, by Newton's method from a given (s, t).

    The cell has the corners a and b at the top, and c and d at the bottom; s leads from a to b and t from a to c, 0 to 1. The result may
    lie up to fifty cells outside the cell. It is (nan, nan) if the method fails.
    """
    twist_x, twist_y = dx - cx - bx + ax, dy - cy - by + ay
    for _ in range(_ROUNDS):
        ex, ey = bx - ax + t * twist_x, by - ay + t * twist_y  # d/ds
        fx, fy = cx - ax + s * twist_x, cy - ay + s * twist_y  # d/dt
        rx = ax + s * (bx - ax) + t * fx - px
        ry = ay + s * (by - ay) + t * fy - py
        inverse = 1.0 / (ex * fy - ey * fx)
        ds, dt = (rx * fy - ry * fx) * inverse, (ry * ex - rx * ey) * inverse
        s, t = s - ds, t - dt
        # The method went to the other root of the bilinear equation, or to infinity: no point that is looked for is so far away.
        if abs(s) > 50.0 or abs(t) > 50.0:
            return np.nan, np.nan
        # Because the equation is bilinear, the residual after a step is exactly the twist times ds * dt. It is compared in cells.
        product = ds * dt * inverse
        if abs(product * (twist_x * fy - twist_y * fx)) < _EXACT and abs(product * (twist_y * ex - twist_x * ey)) < _EXACT:
            return s, t
    return np.nan, np.nan


@jit
def page_under_lattice(mesh_px, origin, step, cell, nodes):
    """Find the page points under the nodes of the picture's lattice: every mesh cell fills in the nodes that it covers.

    `mesh_px` (r, c, 2) are the positions in the picture of the mesh's nodes, which lie at origin + step * (column, row) mm on the page.
    `nodes` (rows, columns, 2) gets the page points, in mm, at pixels cell * (column - 1, row - 1). Nodes that no mesh cell covers are
    not changed. Of several mesh cells that cover a node, the last one counts.
    """
    rows, columns, share = nodes.shape[0], nodes.shape[1], 1.0 / cell
    for i in range(mesh_px.shape[0] - 1):
        for j in range(mesh_px.shape[1] - 1):
            ax, ay = mesh_px[i, j, 0], mesh_px[i, j, 1]
            bx, by = mesh_px[i, j + 1, 0], mesh_px[i, j + 1, 1]
            cx, cy = mesh_px[i + 1, j, 0], mesh_px[i + 1, j, 1]
            dx, dy = mesh_px[i + 1, j + 1, 0], mesh_px[i + 1, j + 1, 1]
            # A mesh node behind the camera has no position in the picture, so its cells are not seen.
            if not np.isfinite(ax + ay + bx + by + cx + cy + dx + dy):
                continue
            left = max(int(np.ceil(min(min(ax, bx), min(cx, dx)) * share)) + 1, 0)
            right = min(int(np.floor(max(max(ax, bx), max(cx, dx)) * share)) + 1, columns - 1)
            top = max(int(np.ceil(min(min(ay, by), min(cy, dy)) * share)) + 1, 0)
            bottom = min(int(np.floor(max(max(ay, by), max(cy, dy)) * share)) + 1, rows - 1)
            if left > right or top > bottom:
                continue
            # If the cell were a parallelogram, the inverse at its middle would be exact. The twist makes an error of limited size, so nodes
            # at more than `most_s` or `most_t` cells from the middle are outside the cell.
            middle_x, middle_y = 0.25 * (ax + bx + cx + dx), 0.25 * (ay + by + cy + dy)
            ex, ey = 0.5 * (bx - ax + dx - cx), 0.5 * (by - ay + dy - cy)
            fx, fy = 0.5 * (cx - ax + dx - bx), 0.5 * (cy - ay + dy - by)
            inverse = 1.0 / (ex * fy - ey * fx)
            twist_x, twist_y = dx - cx - bx + ax, dy - cy - by + ay
            most_s = 0.5 + 1e-6 + 0.25 * abs((twist_x * fy - twist_y * fx) * inverse)
            most_t = 0.5 + 1e-6 + 0.25 * abs((twist_y * ex - twist_x * ey) * inverse)
            for row in range(top, bottom + 1):
                for column in range(left, right + 1):
                    x, y = cell * (column - 1.0), cell * (row - 1.0)
                    s, t = ((x - middle_x) * fy - (y - middle_y) * fx) * inverse, ((y - middle_y) * ex - (x - middle_x) * ey) * inverse
                    if abs(s) > most_s or abs(t) > most_t:
                        continue
                    s, t = solve_cell(ax, ay, bx, by, cx, cy, dx, dy, x, y, 0.5 + s, 0.5 + t)
                    # The tolerance keeps a node on an edge that two cells share from being missed by both.
                    if -1e-9 <= s <= 1 + 1e-9 and -1e-9 <= t <= 1 + 1e-9:
                        nodes[row, column, 0] = origin[0] + step[0] * (j + s)
                        nodes[row, column, 1] = origin[1] + step[1] * (i + t)


@jit
def smallest_corner(nodes):
    """The smallest area that two sides of a cell span at a corner, over all corners of cells of which all three nodes are known.

    `nodes` is (rows, columns, 2), with NaN where unknown. The area is that of a parallelogram; it is negative if a cell is folded over, and
    infinite if no corner is known.
    """
    least = np.inf
    for i in range(nodes.shape[0] - 1):
        for j in range(nodes.shape[1] - 1):
            ax, ay = nodes[i, j + 1, 0] - nodes[i, j, 0], nodes[i, j + 1, 1] - nodes[i, j, 1]  # top
            bx, by = nodes[i + 1, j + 1, 0] - nodes[i + 1, j, 0], nodes[i + 1, j + 1, 1] - nodes[i + 1, j, 1]  # bottom
            cx, cy = nodes[i + 1, j, 0] - nodes[i, j, 0], nodes[i + 1, j, 1] - nodes[i, j, 1]  # left
            dx, dy = nodes[i + 1, j + 1, 0] - nodes[i, j + 1, 0], nodes[i + 1, j + 1, 1] - nodes[i, j + 1, 1]  # right
            for area in (ax * cy - ay * cx, ax * dy - ay * dx, bx * cy - by * cx, bx * dy - by * dx):
                if area < least:  # false for NaN
                    least = area
    return least


@subkernel
def _in_cell(nodes, i, j, px, py, s, t):
    """The position (s, t) of page point p in cell (row i, column j) of the lattice, by `solve_cell` from a given (s, t)."""
    return solve_cell(
        nodes[i, j, 0], nodes[i, j, 1], nodes[i, j + 1, 0], nodes[i, j + 1, 1],
        nodes[i + 1, j, 0], nodes[i + 1, j, 1], nodes[i + 1, j + 1, 0], nodes[i + 1, j + 1, 1], px, py, s, t,
    )  # fmt: skip


@jit
def invert_lattice(points, nodes, cell, pixels):
    """Find the `pixels` (n, 2) at which the lattice `nodes` (see `page_under_lattice`) shows the page's `points` (n, 2), in mm.

    `pixels` holds first guesses at the call.

    The search starts in the cell of the guess. If the solution for a cell lies outside it, the cell in which the solution lies is tried
    next. If this search fails, as at sharp creases, where it may go back and forth, all cells up to 4 away from the first one are tried. A
    guess is kept if no cell has the point, if the guess is not finite, or if it lies more than 3 cells outside the lattice.
    """
    rows, columns = nodes.shape[0], nodes.shape[1]
    for k in range(len(points)):
        px, py = points[k, 0], points[k, 1]
        x, y = pixels[k, 0] / cell + 1.0, pixels[k, 1] / cell + 1.0
        if not (np.isfinite(x) and np.isfinite(y)):
            continue
        if x < -3 or y < -3 or x > columns + 2 or y > rows + 2:  # far outside the picture, where the guess is kept
            continue
        j = min(max(int(np.floor(x)), 0), columns - 2)
        i = min(max(int(np.floor(y)), 0), rows - 2)
        home_i, home_j = i, j
        found = False
        s, t = min(max(x - j, 0.0), 1.0), min(max(y - i, 0.0), 1.0)  # the guess is mostly good and saves an iteration
        for _ in range(_ROUNDS):
            s, t = _in_cell(nodes, i, j, px, py, s, t)
            if not (np.isfinite(s) and np.isfinite(t)):
                break
            if -_CLOSE <= s <= 1 + _CLOSE and -_CLOSE <= t <= 1 + _CLOSE:
                found = True
                break
            # At most 4 cells per step: the solution of a cell that is nearly folded may be far away.
            next_j = min(max(j + min(max(int(np.floor(s)), -4), 4), 0), columns - 2)
            next_i = min(max(i + min(max(int(np.floor(t)), -4), 4), 0), rows - 2)
            if next_i == i and next_j == j:
                break
            # The next cell is solved from its middle: across a crease, the position in one cell is a poor guess for that in the other.
            i, j, s, t = next_i, next_j, 0.5, 0.5
        if not found:
            i, j, s, t, found = _search_around(nodes, home_i, home_j, px, py)
        if found:
            pixels[k, 0] = cell * (j + s - 1.0)
            pixels[k, 1] = cell * (i + t - 1.0)


@subkernel
def _search_around(nodes, home_i, home_j, px, py):
    """Find the cell (i, j) that shows page point p, among cells at most 4 from (home_i, home_j), the nearest first.

    Returns i, j, the position (s, t) in the cell, and whether a cell was found.
    """
    rows, columns = nodes.shape[0], nodes.shape[1]
    for ring in range(5):
        for i in range(max(home_i - ring, 0), min(home_i + ring, rows - 2) + 1):
            for j in range(max(home_j - ring, 0), min(home_j + ring, columns - 2) + 1):
                if max(abs(i - home_i), abs(j - home_j)) != ring:
                    continue
                s, t = _in_cell(nodes, i, j, px, py, 0.5, 0.5)
                if -_CLOSE <= s <= 1 + _CLOSE and -_CLOSE <= t <= 1 + _CLOSE:
                    return i, j, s, t, True
    return home_i, home_j, 0.0, 0.0, False
