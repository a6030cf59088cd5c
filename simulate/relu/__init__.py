"""ReLU networks trained by descent, then followed at temperature T: glassy dynamics of arXiv:2405.13098."""
