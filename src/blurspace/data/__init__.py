"""What do networks learn from: sharp photos, and blur made on the fly."""
