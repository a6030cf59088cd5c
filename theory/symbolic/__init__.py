"""The replica theory derived with a computer: exact expansions (sympy) and 30-digit values (mpmath).

Not imported by :mod:`theory`: sympy is slow to load. Import the module that is wanted,

* :mod:`theory.symbolic.series`: single-site terms in small overlaps;
* :mod:`theory.symbolic.landau`: the functional of a chain, its transitions and amplitudes;
* :mod:`theory.symbolic.reference`: the replica-symmetric equations solved to 30 digits.
"""
