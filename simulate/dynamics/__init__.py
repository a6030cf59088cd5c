"""Laws of motion: one file each, a step on static buffers."""
