# A Vivado for FINN's CreateStitchedIP, in tclsh: it runs FINN's script, and writes as Verilog the design that the
# script's cells and connections are.
#
# A cell's pins are the ports of its module, read from the file that was added; a stream is NAME_TDATA, NAME_TVALID and
# NAME_TREADY. Rejected are a module, pin, stream or file that is not there, a pin connected twice, an input left open, streams of
# two widths, two drivers joined. The packager's commands are taken as they come: they make no hardware.
array set added {}      ;# tail of a file's name -> its path
array set module_of {}  ;# cell -> module
array set pin {}        ;# cell/pin -> {direction width}
array set net_of {}     ;# cell/pin -> net
array set port {}       ;# name -> {direction width}, of the design

proc reject {sentence} { puts stderr "vivado: $sentence"; exit 1 }

proc add_files {args} {
  set path [lindex $args end]
  if {![file isfile $path]} { reject "there is no file $path" }
  set ::added([file tail $path]) $path
}
proc get_files {args} {
  if {[lindex $args 0] ne "-filter"} { return [lindex $args 0] }
  return [lmap {tail path} [array get ::added] { expr {[file extension $tail] in {.v .sv} ? $path : [continue]} }]
}

proc create_bd_cell {args} {
  array set given [lrange $args 0 end-1]
  set cell [lindex $args end]
  set module $given(-reference)
  if {![info exists ::added($module.v)]} { reject "no file defines the module $module" }
  if {[info exists ::module_of($cell)]} { reject "the cell $cell is there twice" }
  set file [open $::added($module.v)]
  set text [read $file]
  close $file
  if {![regexp "module\\s+$module\\s*(?:#\\(.*?\\)\\s*)?\\((.*?)\\);" $text -> ports]} { reject "$module.v has no $module" }
  set ::module_of($cell) $module
  foreach {whole direction - high name} \
      [regexp -all -inline {(input|output)\s+(?:(?:wire|reg|logic)\s+)?(\[(\d+):0\])?\s*(\w+)} $ports] {
    set ::pin($cell/$name) [list $direction [expr {$high eq "" ? 1 : $high + 1}]]
  }
}

proc get_bd_pins {name} {
  if {![info exists ::pin($name)]} { reject "there is no pin $name" }
  return $name
}
proc get_bd_intf_pins {name} {
  foreach signal {TDATA TVALID TREADY} { get_bd_pins ${name}_$signal }
  return $name
}
proc get_bd_ports {name} {
  set name [string trimleft $name /]
  if {![info exists ::port($name)]} { reject "there is no port $name" }
  return $name
}
proc get_bd_intf_ports {args} {
  if {[lindex $args 0] eq "-filter"} { return {} }
  get_bd_ports [lindex $args 0]_TVALID
  return [lindex $args 0]
}

proc join_pin {name net} {
  if {[info exists ::net_of($name)]} { reject "$name is connected twice" }
  set ::net_of($name) $net
}
proc make_bd_pins_external {name} {
  set outside [file tail $name]_0
  set ::port($outside) $::pin($name)
  join_pin $name $outside
}
proc make_bd_intf_pins_external {name} {
  foreach signal {TDATA TVALID TREADY} {
    set outside [file tail $name]_0_$signal
    set ::port($outside) $::pin(${name}_$signal)
    join_pin ${name}_$signal $outside
  }
}
proc connect_bd_net {from to} { join_pin $to $from }
proc connect_bd_intf_net {from to} {
  foreach signal {TDATA TVALID TREADY} {
    lassign [list $::pin(${from}_$signal) $::pin(${to}_$signal)] one other
    if {[lindex $one 1] != [lindex $other 1]} { reject "${from}_$signal and ${to}_$signal are not equally wide" }
    if {[lindex $one 0] eq [lindex $other 0]} { reject "${from}_$signal and ${to}_$signal are both [lindex $one 0]" }
    set net [string map {/ __} ${from}_$signal]
    join_pin ${from}_$signal $net
    join_pin ${to}_$signal $net
  }
}
# Of the properties only names are followed; a stream's port has three signals.
proc set_property {property value args} {
  if {$property ne "name"} return
  set old [lindex $args 0]
  foreach signal {"" _TDATA _TVALID _TREADY} {
    if {![info exists ::port($old$signal)]} continue
    set ::port($value$signal) $::port($old$signal)
    unset ::port($old$signal)
    foreach {name net} [array get ::net_of] { if {$net eq "$old$signal"} { set ::net_of($name) $value$signal } }
  }
}
proc get_property {args} { return "" }

proc validate_bd_design {} {
  foreach name [lsort [array names ::pin]] {
    if {[lindex $::pin($name) 0] eq "input" && ![info exists ::net_of($name)]} { reject "$name is left open" }
  }
}

proc width {bits} { expr {$bits == 1 ? "" : "\[[expr {$bits - 1}]:0\] "} }
proc make_wrapper {option design args} {
  set top [file rootname [file tail $design]]_wrapper
  set folder [file join [file dirname $design] hdl]
  file mkdir $folder
  set out [open [file join $folder $top.v] w]
  puts $out "module $top ("
  puts $out [join [lmap {name kind} [array get ::port] {
    string cat "  " [lindex $kind 0] " wire " [width [lindex $kind 1]] $name
  }] ",\n"]
  puts $out ");"
  foreach {name net} [array get ::net_of] {
    if {![info exists ::port($net)] && ![info exists declared($net)]} {
      set declared($net) 1
      puts $out "  wire [width [lindex $::pin($name) 1]]$net;"
    }
  }
  foreach {cell module} [array get ::module_of] {
    set links [lmap {name net} [array get ::net_of $cell/*] { string cat . [file tail $name] ($net) }]
    puts $out "  $module $cell ([join $links {, }]);"
  }
  puts $out "endmodule"
  close $out
}

proc create_project {args} {}
proc create_bd_design {name} {}
proc update_ip_catalog {} {}
proc set_msg_config {args} {}
proc current_project {} { return project }
proc current_fileset {} { return sources_1 }
proc save_bd_design {} {}
namespace eval ipx {
  proc package_project {args} {
    set folder [lindex $args [expr {[lsearch -exact $args -root_dir] + 1}]]
    file mkdir $folder
    close [open [file join $folder component.xml] w]
  }
  foreach name {
    current_core find_open_core create_xgui_files get_bus_parameters get_bus_interfaces add_file_group add_file
    get_file_groups get_files remove_file update_checksums save_core
  } { proc $name {args} { return "" } }
}

source [lindex $argv [expr {[lsearch -exact $argv -source] + 1}]]
