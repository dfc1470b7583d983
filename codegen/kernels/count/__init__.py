"""A readout that counts spikes."""
