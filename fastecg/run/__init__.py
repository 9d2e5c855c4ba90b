"""A run over many records: what is to be drawn, by whom, where to, and what is there already. `dataset` has the flow."""
