"""Answering on the device with what it can afford at the moment."""
