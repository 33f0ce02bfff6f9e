"""Models that are small enough: pruned, quantised, distilled, converted and packaged."""
