"""Where files and formats live: pictures and kernels on disk."""
