"""Training everything of a WEDepth network but its frozen VFM, on frames that `wedepth.data` reads."""
