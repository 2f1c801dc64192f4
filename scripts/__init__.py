"""Helpers of the recipes in the justfile."""
