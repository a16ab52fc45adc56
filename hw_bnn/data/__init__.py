"""Data sets as stored, and what a stored sample means: numpy only, for training, verification and
the host alike.

sets.py    every data set by its name; idx.py, cifar.py, small.py, images.py: its files
pixels.py  stored value -> real number, the one definition
"""
