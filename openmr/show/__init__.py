"""Pictures of records, still and moving.

In: records and datasets of the stations below; out: Matplotlib figures and axes, animations. May
not compute what it draws, nor know the command line.
"""
