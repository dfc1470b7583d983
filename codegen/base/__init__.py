"""What every room stands on: errors, paths, units, the version."""
