"""How are networks trained: one loop, one file per family of tasks, one recipe per run."""
