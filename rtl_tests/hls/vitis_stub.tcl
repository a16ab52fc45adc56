# Stands in for Vitis' Tcl: commands with their options, checked and written to standard output.
# hw_bnn_stub LAUNCHER: "projects" (vitis_hls) or "components" (vitis-run).
set hw_bnn_calls {}

# options: those with a value, flags: those without, words: how many other words there must be.
proc hw_bnn_command {name options flags words} {
    proc $name args [format {
        set rest {}
        for {set i 0} {$i < [llength $args]} {incr i} {
            set word [lindex $args $i]
            if {[lsearch -exact {%2$s} $word] >= 0} {
                incr i
                if {$i == [llength $args]} { error "%1$s: $word lacks its value" }
            } elseif {[string match -* $word]} {
                if {[lsearch -exact {%3$s} $word] < 0} { error "%1$s has no option $word" }
            } else {
                lappend rest $word
            }
        }
        if {[llength $rest] != %4$s} { error "%1$s: %4$s words expected, not {$rest}" }
        lappend ::hw_bnn_calls %1$s
        return {}
    } $name $options $flags $words]
}

proc hw_bnn_stub {launcher} {
    if {$launcher eq "components"} {
        hw_bnn_command open_component {-flow_target} {-reset} 1
    } else {
        hw_bnn_command open_project {} {-reset} 1
        hw_bnn_command open_solution {-flow_target} {-reset} 1
    }
    hw_bnn_command set_top {} {} 1
    hw_bnn_command add_files {-cflags -csimflags} {-tb} 1
    hw_bnn_command set_part {} {} 1
    hw_bnn_command create_clock {-period -name} {} 0
    hw_bnn_command csim_design {-argv -ldflags} {-clean -O} 0
    hw_bnn_command csynth_design {} {-synthesis_check} 0
    hw_bnn_command export_design {-format -flow -output} {} 0
    rename exit hw_bnn_exit
    proc exit args { puts [join $::hw_bnn_calls]; hw_bnn_exit 0 }
}
