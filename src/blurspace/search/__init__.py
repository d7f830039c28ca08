"""Deblurring by search: for one photo, the sharp picture and the blur that together explain it best."""
