"""A small score network in plain NumPy, features first."""

from toyscore.model import ShallowNet
from toyscore.teacher import ideal_score
from toyscore.training import Trainer

__all__ = ["ShallowNet", "Trainer", "ideal_score"]
