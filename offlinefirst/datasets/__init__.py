"""The data sets and models of the course: what there is, where it comes from, whether it is here and whole."""
