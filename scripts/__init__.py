"""Programs that the recipes in the justfile run."""
