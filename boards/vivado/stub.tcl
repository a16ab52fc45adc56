# A stand-in for Vivado in tclsh that records what a script asks for: no design is made.
#
#   tclsh stub.tcl SCRIPT settings.tcl [board_files] [no_ip|synth|impl|timing ...]
#
# It knows the commands that build.tcl and package_ip.tcl use, the pins of the cells they place, and rejects all
# else: an unknown command, cell, pin or file, a pin driven twice, an input left open. So it proves spelling and
# wiring against the tables below, not what Vivado makes of them.
set options [lrange $argv 2 end]
# Cell -> pins, each with its kind: what drives and what is driven have to be of one kind.
array set pins_of {
  xilinx.com:ip:processing_system7 {clock> FCLK_CLK0 reset> FCLK_RESET0_N >clock M_AXI_GP0_ACLK >clock S_AXI_HP0_ACLK
    >irq IRQ_F2P bus> M_AXI_GP0 >bus S_AXI_HP0}
  xilinx.com:ip:zynq_ultra_ps_e {clock> pl_clk0 reset> pl_resetn0 >clock maxihpm0_fpd_aclk >clock saxihp0_fpd_aclk
    >irq pl_ps_irq0 bus> M_AXI_HPM0_FPD >bus S_AXI_HP0_FPD}
  xilinx.com:ip:smartconnect {>clock aclk >aresetn aresetn >bus S00_AXI bus> M00_AXI}
  xilinx.com:ip:proc_sys_reset {>clock slowest_sync_clk >reset ext_reset_in aresetn> peripheral_aresetn}
  hw_bnn:user:bnn_overlay {>clock ap_clk >aresetn ap_rst_n irq> irq >bus s_axi_control bus> m_axi}
}
array set cells {}
array set kind_of {}
array set driver_of {}
array set driven_by {}
array set property {}
array set files {}

proc reject {sentence} {
  puts stderr "stub: $sentence"
  exit 99
}
proc record {args} { puts $args }
proc has {option} { expr {[lsearch -exact $::options $option] >= 0} }
proc known {name} {
  if {![info exists ::kind_of($name)]} { reject "there is no pin $name" }
  return $name
}
proc last_of {arguments} { return [lindex $arguments end] }

proc create_project {args} { record create_project {*}$args; set ::property(part) [last_of $args] }
proc close_project {} { record close_project }
proc current_project {} { return project }
proc current_fileset {} { return sources_1 }
proc update_compile_order {args} {}
proc update_ip_catalog {} { record update_ip_catalog }
proc add_files {args} {
  set path [last_of $args]
  if {![file isfile $path]} { reject "there is no file $path" }
  set ::files([file tail $path]) $path
}
proc get_files {name} {
  if {![info exists ::files($name)]} { reject "the project has no file $name" }
  return $name
}
proc get_board_parts {args} {
  if {![has board_files]} { return {} }
  return [list [string map {* 1.0} [last_of $args]]]
}
proc get_ipdefs {args} {
  regsub {:\*$} [last_of $args] {} vlnv
  if {![info exists ::pins_of($vlnv)] || ([has no_ip] && [string match *smartconnect $vlnv])} { return {} }
  return [list $vlnv:1.0 $vlnv:2.0]
}
proc set_property {args} {
  record set_property {*}$args
  if {[lindex $args 0] ne "-dict"} { set ::property([lindex $args 0]) [lindex $args 1] }
}
proc get_property {name object} {
  switch $name {
    PROGRESS { return [expr {([has synth] && $object eq "synth_1") || ([has impl] && $object eq "impl_1") ? "40%" : "100%"}] }
    STATUS { return "ERROR" }
    STATS.WNS { return [expr {[has timing] ? -0.3 : 0.2}] }
    default { reject "there is no property $name" }
  }
}
proc create_bd_design {name} { set ::files($name.bd) 1; record create_bd_design $name }
proc create_bd_cell {args} {
  array set given [lrange $args 0 end-1]
  set name [last_of $args]
  if {[info exists ::cells($name)]} { reject "the cell $name is there twice" }
  regsub {:[^:]*$} $given(-vlnv) {} vlnv
  set ::cells($name) $vlnv
  foreach {kind pin} $::pins_of($vlnv) { set ::kind_of($name/$pin) $kind }
  record create_bd_cell $name $given(-vlnv)
  return $name
}
proc get_bd_cells {name} {
  if {![info exists ::cells($name)]} { reject "there is no cell $name" }
  return $name
}
proc apply_bd_automation {args} { record apply_bd_automation {*}$args; get_bd_cells [last_of $args] }
proc get_bd_pins {name} {
  if {[string match *bus* $::kind_of([known $name])]} { reject "$name is an interface" }
  return $name
}
proc get_bd_intf_pins {name} {
  if {![string match *bus* $::kind_of([known $name])]} { reject "$name is no interface" }
  return $name
}
proc connect {from to} {
  set kind [string trimright $::kind_of($from) >]
  if {$::kind_of($from) ne "$kind>" || $::kind_of($to) ne ">$kind"} { reject "$from cannot drive $to" }
  if {[info exists ::driver_of($to)]} { reject "$to is driven twice" }
  if {$kind eq "bus" && [info exists ::driven_by($from)]} { reject "$from drives two buses" }
  set ::driver_of($to) $from
  set ::driven_by($from) $to
  record connect $from $to
}
proc connect_bd_net {from to} { connect $from $to }
proc connect_bd_intf_net {from to} { connect $from $to }
proc get_bd_addr_spaces {name} { return $name }
proc get_bd_addr_segs {name} { known [file dirname $name]; return $name }
proc assign_bd_address {args} { record assign_bd_address {*}$args }
proc validate_bd_design {} {
  foreach name [lsort [array names ::kind_of]] {
    set kind $::kind_of($name)
    if {[string match >* $kind] ? ![info exists ::driver_of($name)] : ![info exists ::driven_by($name)]} {
      reject "$name is left open"
    }
  }
}
proc save_bd_design {} {}
proc make_wrapper {args} { record make_wrapper {*}$args }
proc launch_runs {args} { record launch_runs {*}$args }
proc wait_on_runs {args} { record wait_on_runs {*}$args }
proc get_runs {name} { if {$name ni {synth_1 impl_1}} { reject "there is no run $name" }; return $name }
proc open_run {name} { record open_run [get_runs $name] }
proc report_timing_summary {args} { record report_timing_summary {*}$args }
proc report_utilization {args} { record report_utilization {*}$args }
rename file real_file
proc file {args} {
  if {[lindex $args 0] eq "copy"} { return [record file {*}$args] }
  return [uplevel 1 real_file $args]
}

namespace eval ipx {
  proc package_project {args} { ::record ipx::package_project {*}$args }
  proc current_core {} { return core }
  # The interfaces that the top's attributes name.
  proc get_bus_interfaces {name args} {
    set top $::property(top)
    if {![info exists ::files($top.v)]} { ::reject "there is no plain Verilog of the top $top" }
    set file [open $::files($top.v)]
    set text [read $file]
    close $file
    if {[regexp "module $top \\(" $text] && [regexp "X_INTERFACE_INFO = \"\[^\"\]* $name \[A-Z\]+\"" $text]} { return $name }
    return ""
  }
  proc get_memory_maps {name args} {
    if {$name ne "s_axi_control"} { ::reject "there is no memory map $name" }
    return $name
  }
  proc get_address_blocks {args} { return reg0 }
  proc add_register {name block} { ::record register $name; return $name }
  proc add_field {name register} { ::record field $register $name; return $register.$name }
  proc create_xgui_files {core} {}
  proc update_checksums {core} {}
  proc check_integrity {core} {}
  proc save_core {core} { ::record ipx::save_core }
}

set script [lindex $argv 0]
set argv [list [lindex $argv 1]]
source $script
record done
