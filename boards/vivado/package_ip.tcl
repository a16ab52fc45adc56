# Packages a module as an IP, in ip/ beside the settings: an accelerator, or the shell with its accelerator.
#
#   vivado -mode batch -source package_ip.tcl -tclargs settings.tcl
#
# settings.tcl (written by hw_bnn) gives top, version, part, sources, memories, constraints, busses (interfaces that
# the component must have) and registers (of s_axi_control; none for a bare accelerator).
if {![info exists settings]} {
  set settings [lindex $argv 0]
  source $settings
}
set here [file dirname [file normalize $settings]]

create_project -force bnn_ip $here/ip_project -part $part
foreach name $sources { add_files -norecurse $here/$name }
foreach name $memories {
  add_files -norecurse $here/$name
  set_property file_type {Memory Initialization Files} [get_files [file tail $name]]
}
foreach name $constraints {
  add_files -fileset constrs_1 -norecurse $here/$name
  set_property USED_IN {synthesis implementation out_of_context} [get_files [file tail $name]]
}
set_property top $top [current_fileset]
update_compile_order -fileset sources_1

ipx::package_project -root_dir $here/ip -vendor hw_bnn -library user -taxonomy /UserIP -import_files -force
set core [ipx::current_core]
set_property name $top $core
set_property version $version $core
set_property display_name "Binary neural network $name_of_accelerator" $core

foreach bus $busses {
  if {[ipx::get_bus_interfaces $bus -of_objects $core] eq ""} {
    puts stderr "error: Vivado found no interface $bus at $top"
    exit 14
  }
}

# Without registers in the component pynq has no register_map.
if {[llength $registers]} {
  set block [ipx::get_address_blocks -of_objects [ipx::get_memory_maps s_axi_control -of_objects $core]]
}
foreach register $registers {
  lassign $register name offset access help fields
  set made [ipx::add_register $name $block]
  set_property address_offset $offset $made
  set_property size 32 $made
  set_property access $access $made
  set_property description $help $made
  foreach field $fields {
    lassign $field part_name low bits part_help
    set one [ipx::add_field $part_name $made]
    set_property bit_offset $low $one
    set_property bit_width $bits $one
    set_property description $part_help $one
  }
}
ipx::create_xgui_files $core
ipx::update_checksums $core
ipx::check_integrity $core
ipx::save_core $core
close_project
