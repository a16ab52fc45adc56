"""From the data sets of :mod:`hw_bnn.data` to batches of tensors."""
