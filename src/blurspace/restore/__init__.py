"""Blurry to sharp: every way to remove blur, and the receipt that says whether it worked."""
