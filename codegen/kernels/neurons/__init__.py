"""Neurons: what becomes of a current, for every kernel that knows one."""
