"""What holds for all tests: one thread, so that a busy machine does not turn small FFTs into a spinning match."""

import torch

torch.set_num_threads(1)
