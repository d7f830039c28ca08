"""What every method made of six small pictures, as it was when locked: see `make.py`."""
