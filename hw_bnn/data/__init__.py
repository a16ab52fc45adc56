"""What stored samples mean: numpy only, for training, verification and the host alike."""
