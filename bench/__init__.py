"""Benchmarks: the same problems, solved to the same accuracy, by Cycloid and its peers."""
