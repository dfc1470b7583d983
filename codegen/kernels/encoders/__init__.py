"""Encoders: bytes that become spikes in front of layer 0."""
