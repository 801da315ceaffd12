"""Digits as people write them: strokes of points in a square of side 1."""

import math


def arc(x, y, width, height, start, end, n=14):
    """Return points of an ellipse around (x, y); angles in degrees, 0 right, 90 below."""
    angles = [math.radians(start + (end - start) * i / (n - 1)) for i in range(n)]
    return [(x + width * math.cos(angle), y + height * math.sin(angle)) for angle in angles]


DIGITS = {
    0: [arc(0.5, 0.5, 0.24, 0.36, -90, 270)],
    1: [[(0.52, 0.12), (0.5, 0.88)]],
    2: [[*arc(0.48, 0.32, 0.22, 0.2, -160, 40), (0.28, 0.86), (0.78, 0.84)]],
    3: [[*arc(0.46, 0.32, 0.22, 0.19, -150, 80), *arc(0.46, 0.68, 0.25, 0.2, -80, 150)]],
    4: [[(0.34, 0.14), (0.28, 0.52), (0.74, 0.5)], [(0.68, 0.16), (0.64, 0.9)]],
    5: [[(0.36, 0.14), (0.34, 0.46), *arc(0.48, 0.66, 0.25, 0.22, -110, 150)],
        [(0.36, 0.14), (0.76, 0.13)]],
    6: [[(0.6, 0.12), (0.42, 0.38), *arc(0.5, 0.68, 0.2, 0.2, -170, 190)]],
    7: [[(0.26, 0.16), (0.76, 0.15), (0.6, 0.45), (0.46, 0.9)]],
    8: [[*arc(0.5, 0.3, 0.18, 0.17, 90, -270), *arc(0.5, 0.68, 0.21, 0.2, -90, 270)]],
    9: [[*arc(0.5, 0.34, 0.2, 0.2, 0, -350), (0.7, 0.34), (0.64, 0.88)]],
}  # fmt: skip


def slanted(strokes, by):
    """Return strokes that lean to the right by this share of their height."""
    return [[(x + by * (0.5 - y), y) for x, y in points] for points in strokes]
