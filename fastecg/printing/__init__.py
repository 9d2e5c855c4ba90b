"""The parts of the flat print of a page that are not traces: the millimetre grid, and words."""
