"""C++ for HLS tools: kernels, C simulation, scripts for Vitis. Installed as hw_bnn.hls_files."""
