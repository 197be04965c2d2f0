"""What turns raw text, images and sound into a tiny model's inputs, built offline; and the raw material itself."""
