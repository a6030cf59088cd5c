"""Several copies of one ordinary network, any ``torch.nn.Module``: built, read, trained together."""

from simulate.copies.data import Labelled, load
from simulate.copies.models import Model, read_state
from simulate.copies.train import Trained, Training, train

__all__ = ["Labelled", "Model", "Trained", "Training", "load", "read_state", "train"]
