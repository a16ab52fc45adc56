"""1-bit neural networks from training to a proven FPGA accelerator, without vendor tools."""

__version__ = "0.1.0"
