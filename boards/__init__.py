"""Files for boards, installed as hw_bnn.board_files: the shell's RTL, descriptions, Tcl, drivers."""
