"""The search for the most accurate network within limits of flash, RAM and instructions."""
