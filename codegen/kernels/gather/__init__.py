"""What a layer reads of several sources and earlier steps, brought together in one signal."""
