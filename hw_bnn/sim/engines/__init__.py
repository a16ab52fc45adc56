"""The engines: one file each, found by hw_bnn.sim.engine.all_engines."""
