"""What can go wrong on a board."""


class BoardError(RuntimeError):
    """A run that did not give results; the message says why."""


class WrongBitstream(BoardError):
    """The programmable logic holds something else than this accelerator."""


class LoadRefused(BoardError):
    """The config port did not take a load; frames that need what it brings may wait for another."""


class RunTimeout(BoardError):
    """A run did not end in time; it was aborted, and the next one starts afresh."""


class MemoryFault(BoardError):
    """The memory port answered a burst with an error."""


class DeadPort(BoardError):
    """An abort did not end: memory owes responses. The bitstream has to be loaded again."""
