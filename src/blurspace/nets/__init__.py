"""The learned parts: plain modules from tensors to tensors; no files, no losses, no devices."""
