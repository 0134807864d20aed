"""The commands, a file for each group. A module here imports heavy things inside its functions only."""
