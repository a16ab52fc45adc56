# Builds the overlay of a board: overlay.bit, overlay.hwh and reports, beside the settings.
#
#   vivado -mode batch -source build.tcl -tclargs settings.tcl
#
# Exit codes: 0 fine; 10 an IP is missing; 11 synthesis, 12 implementation failed or ran out of time; 13 the clock is
# missed. The line before says which.
set settings [lindex $argv 0]
source $settings
set here [file dirname [file normalize $settings]]

proc fail {code sentence} {
  puts stderr "error: $sentence"
  exit $code
}

# The latest version of an IP.
proc cell {name vlnv} {
  set found [lindex [lsort -dictionary [get_ipdefs -quiet -all "$vlnv:*"]] end]
  if {$found eq ""} { fail 10 "the IP $vlnv is not installed" }
  return [create_bd_cell -type ip -vlnv $found $name]
}

source [file join $here package_ip.tcl]

create_project -force overlay $here/project -part $part
# Any version of the board's files; without them the processor is set as far as the overlay needs it.
set preset 0
if {$board_part ne ""} {
  set pattern [join [lrange [split $board_part :] 0 end-1] :]
  set installed [lindex [lsort -dictionary [get_board_parts -quiet "$pattern:*"]] end]
  if {$installed ne ""} {
    set_property board_part $installed [current_project]
    set preset 1
  }
}
set_property ip_repo_paths $here/ip [current_project]
update_ip_catalog

create_bd_design overlay
if {$processor eq "zynq7000"} {
  cell ps xilinx.com:ip:processing_system7
  apply_bd_automation -rule xilinx.com:bd_rule:processing_system7 \
    -config [list make_external "FIXED_IO, DDR" apply_board_preset $preset Master Disable Slave Disable] [get_bd_cells ps]
  set config [list CONFIG.PCW_USE_M_AXI_GP0 1 CONFIG.PCW_USE_S_AXI_HP0 1 CONFIG.PCW_S_AXI_HP0_DATA_WIDTH $data_bits \
    CONFIG.PCW_EN_CLK0_PORT 1 CONFIG.PCW_FPGA0_PERIPHERAL_FREQMHZ $clock_mhz \
    CONFIG.PCW_USE_FABRIC_INTERRUPT 1 CONFIG.PCW_IRQ_F2P_INTR 1]
  # Otherwise the divisors are for another PLL, and the clock is silently wrong.
  if {!$preset} { lappend config CONFIG.PCW_CRYSTAL_PERIPHERAL_FREQMHZ 50 }
  array set pins {clock FCLK_CLK0 reset FCLK_RESET0_N control M_AXI_GP0 control_clock M_AXI_GP0_ACLK
    memory S_AXI_HP0 memory_clock S_AXI_HP0_ACLK irq IRQ_F2P}
} else {
  cell ps xilinx.com:ip:zynq_ultra_ps_e
  apply_bd_automation -rule xilinx.com:bd_rule:zynq_ultra_ps_e -config [list apply_board_preset $preset] [get_bd_cells ps]
  set config [list CONFIG.PSU__USE__M_AXI_GP0 1 CONFIG.PSU__USE__M_AXI_GP1 0 CONFIG.PSU__USE__M_AXI_GP2 0 \
    CONFIG.PSU__USE__S_AXI_GP2 1 CONFIG.PSU__SAXIGP2__DATA_WIDTH $data_bits CONFIG.PSU__FPGA_PL0_ENABLE 1 \
    CONFIG.PSU__CRL_APB__PL0_REF_CTRL__FREQMHZ $clock_mhz CONFIG.PSU__CRL_APB__PL0_REF_CTRL__SRCSEL IOPLL \
    CONFIG.PSU__USE__IRQ0 1]
  array set pins {clock pl_clk0 reset pl_resetn0 control M_AXI_HPM0_FPD control_clock maxihpm0_fpd_aclk
    memory S_AXI_HP0_FPD memory_clock saxihp0_fpd_aclk irq pl_ps_irq0}
}
set_property -dict $config [get_bd_cells ps]

cell bnn hw_bnn:user:$top
cell reset xilinx.com:ip:proc_sys_reset
foreach name {control memory} {
  cell $name xilinx.com:ip:smartconnect
  set_property -dict {CONFIG.NUM_SI 1 CONFIG.NUM_MI 1} [get_bd_cells $name]
}

foreach pin [list ps/$pins(control_clock) ps/$pins(memory_clock) bnn/ap_clk control/aclk memory/aclk reset/slowest_sync_clk] {
  connect_bd_net [get_bd_pins ps/$pins(clock)] [get_bd_pins $pin]
}
connect_bd_net [get_bd_pins ps/$pins(reset)] [get_bd_pins reset/ext_reset_in]
foreach pin {bnn/ap_rst_n control/aresetn memory/aresetn} {
  connect_bd_net [get_bd_pins reset/peripheral_aresetn] [get_bd_pins $pin]
}
connect_bd_net [get_bd_pins bnn/irq] [get_bd_pins ps/$pins(irq)]
connect_bd_intf_net [get_bd_intf_pins ps/$pins(control)] [get_bd_intf_pins control/S00_AXI]
connect_bd_intf_net [get_bd_intf_pins control/M00_AXI] [get_bd_intf_pins bnn/s_axi_control]
connect_bd_intf_net [get_bd_intf_pins bnn/m_axi] [get_bd_intf_pins memory/S00_AXI]
connect_bd_intf_net [get_bd_intf_pins memory/M00_AXI] [get_bd_intf_pins ps/$pins(memory)]

assign_bd_address -offset $control_base -range 4K -target_address_space [get_bd_addr_spaces ps/Data] \
  [get_bd_addr_segs bnn/s_axi_control/reg0]
assign_bd_address
validate_bd_design
save_bd_design
make_wrapper -files [get_files overlay.bd] -top -import
set_property top overlay_wrapper [current_fileset]

proc finished {run code what} {
  global minutes
  if {[catch {wait_on_runs -timeout $minutes $run}]} { fail $code "$what ran longer than $minutes minutes" }
  if {[get_property PROGRESS [get_runs $run]] ne "100%"} {
    fail $code "$what failed: [get_property STATUS [get_runs $run]]"
  }
}
launch_runs synth_1 -jobs $jobs
finished synth_1 11 synthesis
launch_runs impl_1 -to_step write_bitstream -jobs $jobs
finished impl_1 12 implementation
open_run impl_1
report_timing_summary -file $here/timing.rpt
report_utilization -file $here/utilization.rpt
set slack [get_property STATS.WNS [get_runs impl_1]]
if {$slack < 0} { fail 13 "the clock of $clock_mhz MHz is missed by [expr {-$slack}] ns" }
file copy -force $here/project/overlay.runs/impl_1/overlay_wrapper.bit $here/overlay.bit
file copy -force $here/project/overlay.gen/sources_1/bd/overlay/hw_handoff/overlay.hwh $here/overlay.hwh
