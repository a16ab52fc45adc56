"""The stages: one file each, found by name (stage.all_stages)."""
