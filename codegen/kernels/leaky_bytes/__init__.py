"""First layers on maps of bytes whose neurons leak: currents and membranes in fields of words."""
