"""The agents' log: one file for each entry in the repository, filled from facts, rendered for people, checked by CI."""
