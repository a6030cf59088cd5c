"""The compiled inner loops of the CPU: noise, the thermal machine's step, the deep perceptron's sweeps.

:mod:`.thermal` and :mod:`.perceptron` hold the two that are called, each an ``advance``; the other files are
what they are made of. What numba compiles it keeps on disk; :mod:`.caching` says when that is right.
"""
