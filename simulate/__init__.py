"""From data to a labelled run: the thermal deep learning machine under Langevin dynamics.

>>> from simulate import Protocol, run
>>> dataset = run(Protocol(steps=100, waiting_time=50, samples=1, replicas=2))
>>> dataset.q.dims
('t_w', 't', 'sample', 'pair', 'neuron_layer')
"""

from simulate.run import resume, run
from simulate.thermal.protocol import Protocol

__all__ = ["Protocol", "resume", "run"]
