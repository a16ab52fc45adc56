"""The shell's registers, as regs.yaml has them."""

# registers: begin
ID = 0x4E4E4248
VERSION_MAJOR = 1
REGISTERS = {
    "CTRL": 0x00,
    "GIER": 0x04,
    "IER": 0x08,
    "ISR": 0x0C,
    "SRC_LO": 0x10,
    "SRC_HI": 0x14,
    "SRC_WORDS": 0x18,
    "DST_LO": 0x1C,
    "DST_HI": 0x20,
    "DST_WORDS": 0x24,
    "STATUS": 0x2C,
    "CYCLES_LO": 0x30,
    "CYCLES_HI": 0x34,
    "WORDS_IN": 0x38,
    "WORDS_OUT": 0x3C,
    "ID": 0x40,
    "VERSION": 0x44,
    "IN_STRIDE": 0x48,
    "OUT_STRIDE": 0x4C,
    "PORT": 0x50,
    "MODEL_LO": 0x54,
    "MODEL_HI": 0x58,
    "FREE_LO": 0x5C,
    "FREE_HI": 0x60,
    "CONFIG": 0x64,
    "CONFIG_STATUS": 0x68,
    "CONFIG_LOADED": 0x6C,
    "CONTEXT": 0x70,
}
FIELDS = {  # register -> field -> mask
    "CTRL": {"START": 0x1, "DONE": 0x2, "IDLE": 0x4, "READY": 0x8, "ABORT": 0x100},
    "GIER": {"ENABLE": 0x1},
    "IER": {"DONE": 0x1, "ERROR": 0x2},
    "ISR": {"DONE": 0x1, "ERROR": 0x2},
    "STATUS": {
        "READ_SLVERR": 0x1,
        "READ_DECERR": 0x2,
        "WRITE_SLVERR": 0x4,
        "WRITE_DECERR": 0x8,
        "BAD_ADDRESS": 0x10,
        "BAD_WORDS": 0x20,
        "ABORTED": 0x40,
    },
    "VERSION": {"MINOR": 0xFFFF, "MAJOR": 0xFFFF0000},
    "PORT": {"BUS_BYTES": 0xFF, "ADDRESS_BITS": 0xFF00},
    "CONFIG_STATUS": {
        "OPEN": 0x1,
        "LOADING": 0x2,
        "MIXED": 0x4,
        "BUSY": 0x8,
        "FAULT": 0xF0,
        "LOADS": 0xFF00,
        "REFUSED": 0xFF0000,
        "LOADED": 0xFF000000,
    },
    "CONTEXT": {"NAMED": 0xFF, "ASKED": 0xFF00},
}
# registers: end
