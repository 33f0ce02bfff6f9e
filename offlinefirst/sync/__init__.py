"""Holding state that others change too, and sending what matters when there is a link."""
