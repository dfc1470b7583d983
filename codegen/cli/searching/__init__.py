"""The verb search: networks of options, workers as processes, what is printed and drawn."""
