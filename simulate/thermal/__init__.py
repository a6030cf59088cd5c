"""The thermal deep learning machine as a system that the engine runs (:mod:`simulate.contract`)."""
