"""Langevin dynamics around a trained state of any ``torch.nn.Module``: replicas of an ordinary network."""
