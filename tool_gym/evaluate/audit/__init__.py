"""What is in a pack, and how good it is: the figures and the page behind `tool-gym audit`."""
