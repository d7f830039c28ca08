"""What do frames of a video tell about one another: which are blurry, and what do sharp ones lend to blurry ones?"""
