"""What the bank knows and decides, without input or output."""
