"""Files for boards, installed as hw_bnn.board_files: shell RTL, descriptions, Tcl, drivers."""
