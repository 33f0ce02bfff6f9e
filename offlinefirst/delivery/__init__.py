"""Getting models and data onto a device, and keeping what is there whole."""
