"""The deep perceptron of the replica theory as a system that the engine runs (:mod:`simulate.contract`)."""
