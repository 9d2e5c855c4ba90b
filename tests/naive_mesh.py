"""Obviously right, slow twins of the geometry's kernels."""

import numpy as np


def bilinear(values, u, v):
    """Bilinear `values` (rows, columns, 2) at column u, row v; beyond the lattice its edge cells go on."""
    rows, columns = values.shape[:2]
    j, i = min(max(int(np.floor(u)), 0), columns - 2), min(max(int(np.floor(v)), 0), rows - 2)
    s, t = u - j, v - i
    return (1 - t) * ((1 - s) * values[i, j] + s * values[i, j + 1]) + t * ((1 - s) * values[i + 1, j] + s * values[i + 1, j + 1])


def inverse_bilinear(corners, point):
    """All (s, t) in the unit square at which the bilinear patch of corners a, b / c, d shows a point: the quadratic, solved."""
    a, b, c, d = (np.asarray(corner, dtype=float) for corner in corners)
    e, f, g, h = b - a, c - a, a - b - c + d, np.asarray(point, dtype=float) - a
    k2, k1, k0 = _cross(g, f), _cross(e, f) + _cross(h, g), _cross(h, e)
    for t in np.roots([k2, k1, k0]) if abs(k2) > 1e-12 * abs(k1) else [-k0 / k1]:
        if abs(np.imag(t)) < 1e-9:
            t = float(np.real(t))
            along = e + t * g
            s = float((h - t * f) @ along / (along @ along))
            if -1e-9 <= s <= 1 + 1e-9 and -1e-9 <= t <= 1 + 1e-9:
                yield s, t


def find_in_lattice(values, point):
    """(column, row) at which bilinear `values` are `point`, by trying every cell; None if no cell has it."""
    rows, columns = values.shape[:2]
    for i in range(rows - 1):
        for j in range(columns - 1):
            corners = values[i, j], values[i, j + 1], values[i + 1, j], values[i + 1, j + 1]
            low, high = np.min(corners, axis=0) - 1e-9, np.max(corners, axis=0) + 1e-9
            if np.all(point >= low) and np.all(point <= high):
                for s, t in inverse_bilinear(corners, point):
                    return j + s, i + t
    return None


def smallest_area(nodes):
    """Smallest area spanned at any corner of any cell by the two sides that meet there."""
    rows, columns = nodes.shape[:2]
    areas = []
    for i in range(rows - 1):
        for j in range(columns - 1):
            ring = [nodes[i, j], nodes[i, j + 1], nodes[i + 1, j + 1], nodes[i + 1, j]]
            areas += [_cross(ring[(k + 1) % 4] - ring[k], ring[(k + 3) % 4] - ring[k]) for k in range(4)]
    return min(area for area in areas if not np.isnan(area))


def _cross(u, v):
    return u[0] * v[1] - u[1] * v[0]


def facet_noise(corner, x, y):
    """Barycentric mixture of the values `corner(i, j)` at the corners of the lattice triangle that holds (x, y)."""
    skew = 0.5 * (np.sqrt(3.0) - 1.0) * (x + y)
    u, v = x + skew, y + skew
    i, j = int(np.floor(u)), int(np.floor(v))
    third = (i + 1, j) if u - i > v - j else (i, j + 1)
    triangle = np.array([(i, j), third, (i + 1, j + 1)])
    weights = np.linalg.solve(np.vstack([triangle.T, np.ones(3)]), [u, v, 1.0])
    return sum(weight * corner(*at) for weight, at in zip(weights, triangle, strict=True))


def folded_height(x, y, folds, reach):
    """Height of one point of a sheet folded again and again."""
    point, facing, height = np.array([x, y], dtype=float), 1.0, 0.0
    for *normal, offset, slope in folds:
        distance = point @ normal - offset
        height += facing * slope * reach * np.exp(-np.sqrt(distance**2 + 0.3) / reach)
        if distance > 0:
            point = point - 2 * distance * np.array(normal)
        facing *= -np.clip(distance / reach, -1, 1)
    return height


def pinched_height(x, y, ways, lifts, widths):
    """Sum over creases of lift * (1 - distance / width)², the lift that of the nearest point, the width that of the point's side."""
    total = 0.0
    for way, lift, width in zip(ways, lifts, widths, strict=True):
        best = None
        for m in range(len(way) - 1):
            along, off = way[m + 1] - way[m], np.array([x, y]) - way[m]
            t = np.clip(off @ along / (along @ along), 0, 1)
            far = np.linalg.norm(off - t * along)
            side = 0 if along[0] * off[1] - along[1] * off[0] >= 0 else 1
            if best is None or far < best[0]:
                best = far, (1 - t) * lift[m] + t * lift[m + 1], width[side]
        far, high, wide = best
        total += high * max(1 - np.sqrt(far**2 + 0.1) / wide, 0) ** 2
    return total


def sample_plane(plane, nodes, cell, shape, hold):
    """A plane, 0 outside, bilinear at the source pixels that a lattice gives; with `hold` its edge reaches a pixel further."""
    height, width = plane.shape
    padded = np.pad(plane.astype(float), 1, mode="edge" if hold else "constant")
    out = np.zeros(shape)
    for row in range(shape[0]):
        for column in range(shape[1]):
            u, v = bilinear(nodes[1:, 1:], column / cell, row / cell)
            if -1 < u < width and -1 < v < height:
                out[row, column] = bilinear(padded[..., None], u + 1, v + 1)[0]
    return out


def lost_length(height, step, steepest, radius):
    """What rows of a height field lose, evened out across them."""
    from scipy.ndimage import uniform_filter1d

    lost = 1.0 - np.sqrt(1.0 - np.minimum(np.gradient(height, step, axis=1) ** 2, steepest**2))
    for _ in range(2):
        lost = uniform_filter1d(lost, 2 * radius + 1, axis=0, mode="nearest")
    total = np.array([[step * ((row[1:] + row[:-1]) / 2)[:k].sum() for k in range(len(row))] for row in lost])
    return total - total[:, height.shape[1] // 2, None]


def remaining_shear(height, step_x, step_y, lost_x, lost_y):
    """The shear that two losses of length leave, (rows, columns)."""
    bent = np.gradient(height, step_x, axis=1) * np.gradient(height, step_y, axis=0)
    return bent - np.gradient(lost_x, step_y, axis=0) - np.gradient(lost_y, step_x, axis=1)
