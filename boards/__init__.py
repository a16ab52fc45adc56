"""Files for boards: RTL of the shell, board descriptions, Tcl, drivers. Installed as hw_bnn.board_files."""
