"""The simulated board over the network: what PYNQ.remote runs on a board, in front of a simulation.

    protocol    pynq's messages and services
    processor   what of the board's processor pynq looks at: files, clock registers, the shell's
    address service     the answers to each call
    server      `serve`

pynq 3.1 and later, unmodified, connects to it: PYNQ_REMOTE_DEVICES=127.0.0.1.
"""
