"""Puts right what others erase or overwrite on our topics."""
