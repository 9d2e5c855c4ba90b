"""From pictures back to millivolts: scores, grid phase, warp fit, and signals by fitting the renderer's own stroke."""
