"""An independent, slow solver of the replica-symmetric equations: dense quadrature, plain iteration."""

import numpy as np
from scipy.special import erfcx, log_ndtr

POINTS = 601
FLOOR = 1e-10


def gauss(scale, centre, reach):
    """Nodes and weights of INT Dz with sinh-graded spacing; rows follow scale and centre."""
    low, high = np.arcsinh((-reach - centre) / scale), np.arcsinh((reach - centre) / scale)
    step = (high - low) / (POINTS - 1)
    t = low[:, None] + step[:, None] * np.arange(POINTS)
    z = centre[:, None] + scale[:, None] * np.sinh(t)
    jacobian = step[:, None] * scale[:, None] * np.cosh(t)
    return z, jacobian * np.exp(-z * z / 2) / np.sqrt(2 * np.pi)


def w_average(lam, one_minus, n, margin):
    narrow = lam > 0.5
    root = np.sqrt(np.where(narrow, lam, 1.0))
    scale = np.where(narrow, np.minimum(1.0, np.sqrt(one_minus) / root), 1.0)
    z, weight = gauss(scale, np.where(narrow, margin / root, 0.0), 12.0 + abs(margin))
    u = (np.sqrt(lam)[:, None] * z - margin) / np.sqrt(one_minus)[:, None]
    if n:
        weight = weight * np.exp(log_ndtr(u) - log_ndtr(-margin))
    mills = np.sqrt(2 / np.pi) / erfcx(-u / np.sqrt(2))
    return (weight * mills**2).sum(1) / one_minus


def neuron_average(eps, n):
    """q and 1 - q from the field distribution itself (n = 1: mean eps, variance eps)."""
    z, weight = gauss(1 / np.sqrt(np.maximum(eps, 1.0)), np.zeros_like(eps), 12.0)
    h = np.sqrt(eps)[:, None] * z
    sech = 1 / np.cosh(np.clip(h, -300, 300))
    if n == 0:
        return (weight * np.tanh(h) ** 2).sum(1), (weight * sech**2).sum(1)
    rest = np.exp(-eps / 2) * (weight * sech).sum(1)
    z, weight = gauss(np.full_like(eps, 0.05), -np.sqrt(eps), 12.0)
    direct = (weight * np.tanh(eps[:, None] + np.sqrt(eps)[:, None] * z) ** 2).sum(1)
    return np.where(eps < 4, direct, 1 - rest), rest


def iterate(scenario, depth, alpha, margin=0.0, start="low", limit=100_000, tolerance=1e-14):
    """Plain iteration to q, 1 - q, Q, 1 - Q; from 1e-5 ("low") or from 1 - 1e-12 ("high")."""
    n = 0 if scenario == "random" else 1
    small = 1e-5 if start == "low" else 1 - 1e-12
    rest = 1 - 1e-5 if start == "low" else 1e-12
    q, p = np.ones(depth + 1), np.zeros(depth + 1)
    q[1:-1], p[1:-1] = small, rest
    Q, P = np.full(depth, small), np.full(depth, rest)
    for _ in range(limit):
        one_minus = p[:-1] + q[:-1] * (P + Q * p[1:])
        w = w_average(q[:-1] * Q * q[1:], one_minus, n, margin)
        x = alpha * q[:-1] * q[1:] * w
        if n:
            Q_new, P_new = x / (1 + x), 1 / (1 + x)
        else:
            root = np.sqrt(1 + 4 * x)
            Q_new, P_new = 4 * x / (1 + root) ** 2, 2 / (1 + root)
        field = Q * w
        q_new, p_new = neuron_average(q[:-2] * field[:-1] + q[2:] * field[1:], n)
        # A seed that decays before its neighbours have grown must not underflow to a false liquid.
        q_new = np.maximum(q_new, FLOOR)
        change = np.max(np.abs(P_new - P) / P)
        if depth > 1:
            change = max(change, np.max(np.abs(q_new - q[1:-1]) / np.maximum(q_new * p_new, 1e-300)))
        Q, P, q[1:-1], p[1:-1] = Q_new, P_new, q_new, p_new
        if change < tolerance:
            break
    return q, p, Q, P
