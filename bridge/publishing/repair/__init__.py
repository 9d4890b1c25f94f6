"""What others erase or overwrite on our topics is put right."""
