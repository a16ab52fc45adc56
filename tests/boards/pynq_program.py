"""A program on pynq, as a user writes it; run by the environments of pynq_environment.py.

    python pynq_program.py DEPLOYED X.npy RESULTS.npz

DEPLOYED is an unpacked zip of `deploy`. Prints what it saw as JSON.
"""

import json
import os
import sys
import warnings

warnings.simplefilter("ignore")  # of pynq's own imports

import numpy as np  # noqa: E402


def main(deployed, frames, results, prepare=None):
    sys.path.insert(0, deployed)
    import pynq
    from driver import Board

    if prepare is not None:
        prepare()
    os.chdir(deployed)
    board = Board.load("mlp.bit", batch=1000)
    ip = board.overlay.ip_dict["bnn"]
    told = {
        "pynq": pynq.__version__,
        "clock_mhz": board.clock_mhz,
        "selftest": board.selftest(),
        "throughput": board.throughput_test(64),
        "address": ip["phys_addr"],
        "registers": {
            name: {
                "offset": one["address_offset"],
                "size": one["size"],
                "access": one["access"],
                "fields": {
                    key: [field["bit_offset"], field["bit_width"], field["access"]]
                    for key, field in one["fields"].items()
                },
            }
            for name, one in ip["registers"].items()
        },
    }
    shell = board.overlay.bnn.register_map
    told["map"] = {
        "ID": int(shell.ID) & 0xFFFFFFFF,  # PYNQ.remote 3.1 gives signed integers
        "MAJOR": int(shell.VERSION.MAJOR),
        "ADDRESS_BITS": int(shell.PORT.ADDRESS_BITS),
    }
    x = np.load(frames)
    scores, labels = board.run(x)
    # The network's own input takes real numbers; its first layer is their sign.
    told["real"] = int((board.predict(x[:100] * 0.7) != labels[:100]).sum())
    np.savez(results, scores=scores, labels=labels)
    board.close()
    print(json.dumps(told))


if __name__ == "__main__":
    main(*sys.argv[1:4])
