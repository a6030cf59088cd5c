"""From parameters to a labelled run: deep networks simulated by Langevin dynamics, Monte Carlo and descent.

One protocol class for each system: ``Protocol`` (the thermal machine), ``PerceptronProtocol``,
``ReluProtocol``, ``ClassifierProtocol``, ``ModuleProtocol``; ``run`` takes any of them.

>>> from simulate import Protocol, run
>>> dataset = run(Protocol(steps=100, waiting_time=50, samples=1, replicas=2))
>>> dataset.q.dims
('t_w', 't', 'sample', 'pair', 'neuron_layer')
"""

from simulate.classifier.draws import draws
from simulate.classifier.protocol import ClassifierProtocol
from simulate.module.protocol import ModuleProtocol
from simulate.perceptron.protocol import PerceptronProtocol
from simulate.protocol import BaseProtocol
from simulate.relu.protocol import ReluProtocol
from simulate.run import resume, run
from simulate.thermal.protocol import Protocol

__all__ = [
    "BaseProtocol",
    "ClassifierProtocol",
    "ModuleProtocol",
    "PerceptronProtocol",
    "Protocol",
    "ReluProtocol",
    "draws",
    "resume",
    "run",
]
