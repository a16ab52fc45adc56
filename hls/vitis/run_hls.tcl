# C simulation, synthesis and IP of the accelerator; the same file for both launchers:
#   vitis_hls -f run_hls.tcl                   (to 2024.2: projects and solutions)
#   vitis-run --mode hls --tcl run_hls.tcl     (from 2024.1 on: components)
# Part and clock stand in options.tcl. The report's intervals should be those of manifest.json.
source options.tcl

if {[llength [info commands open_component]] > 0} {
    open_component -reset component -flow_target vivado
} else {
    open_project -reset project
}
set_top $hw_bnn_top
add_files top.cpp -cflags "-Iinclude -std=c++14"
add_files -tb testbench.cpp -cflags "-Iinclude -std=c++14"
add_files -tb vectors.hpp
if {[llength [info commands open_component]] == 0} {
    open_solution -reset solution -flow_target vivado
}
set_part $hw_bnn_part
create_clock -period $hw_bnn_clock_ns -name default

csim_design
csynth_design
export_design -format ip_catalog
exit
