"""The cache on disk: machine code of derivatives and operators, for other processes (``cache=True``).

`entries` is what dispatchers ask; `fingerprint` says on what code depends, `store` keeps files, `objects` is the code
in them and how it is loaded, `making` how it is made. A process that finds its code imports all of this but `making`.
"""
