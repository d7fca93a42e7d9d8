"""In both layers."""
